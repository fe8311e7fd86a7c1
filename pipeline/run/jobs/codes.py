"""The diagnostic codes of job files. What is wrong as YAML, or in a condition, has an M-code."""

from __future__ import annotations

from pipeline.mapping.codes import CODES, Code

JOB_CODES: dict[str, Code] = {
    "J101": Code(
        "unsupported version of the job file",
        "This release reads version 1 of job files.",
        "Write `job: 1`, or install the release the file was written for.",
    ),
    "J102": Code(
        "a number out of bounds",
        "With this number the run could not work as the option promises.",
        "Use a number within the bounds that the message names.",
    ),
    "J103": Code(
        "a secret written into the job file",
        "Job files are committed, printed and copied; a secret in one is known to all.",
        "Put the token into an environment variable and name it: env:NAME.",
    ),
    "J104": Code(
        "a name that a destination cannot have",
        "The name is part of file names and of reports.",
        "Use letters, digits, - and _; `done`, `dry-run` and `null` mean something else.",
    ),
    "J105": Code(
        "a file or directory that is not there",
        "Paths in a job file are relative to the file, not to the current directory.",
        "Correct the path, or make what it names.",
    ),
    "J106": Code(
        "nothing to do",
        "A job without a destination sends nothing anywhere.",
        "Add a destination.",
    ),
    "J201": Code(
        "a mapping for another destination",
        "A mapping is made for the operations of one kind of destination.",
        "Name the mapping of that destination, or correct `type`.",
    ),
    "J202": Code(
        "a mapping that cannot be used",
        "The mapping has errors; without it nothing can be sent.",
        "Correct the errors in the mapping, which are listed as well.",
    ),
    "J203": Code(
        "one directory for the dead letters of two",
        "A replay could not tell whose letters are whose, and would send them to the wrong one.",
        "Give each destination a directory of its own, or leave `dead_letters` away.",
    ),
    "J204": Code(
        "more than the whole rate of a workspace",
        "Destinations with the same address and token use up one rate limit.",
        "Let their shares sum up to 1 at most; what states none gets an equal part of the rest.",
    ),
    "J205": Code(
        "one workspace twice in one state",
        "What one of the two destinations has written looks to the other like its own: a messageId "
        "that was delivered by one counts as delivered by both.",
        "Give each its own state, unless no event goes to both.",
    ),
}
CODES.update(JOB_CODES)
