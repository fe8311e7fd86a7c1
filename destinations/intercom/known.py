"""What is remembered about contacts and companies, so that nothing is asked twice.

Kinds and keys: ``contact``: ``u:`` userId, ``e:`` SHA-256 of the e-mail in lower case, ``a:``
anonymousId -> Intercom's id, with `` linked`` after it where an e-mail's contact has a userId; a
userId or anonymousId with an ``@`` is hashed too; ``company``: your company_id -> Intercom's id;
``membership``: both Intercom ids -> ``1``; ``run.created``: Intercom ids that came to be in this
run, which some endpoints do not see yet; ``run.shared``: e-mail addresses, as above, that several
contacts have.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destinations.base import Memory
    from pipeline.model.operation import Person

_LINKED = " linked"


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact that is remembered.

    Attributes:
        id: Intercom's own id.
        needs_link: The contact is the person's, but does not carry the userId yet (rule P4).
    """

    id: str
    needs_link: bool = False


def user_key(user_id: str) -> str:
    """The key of a userId; one that is an e-mail address is hashed like one."""
    return "u:" + (_digest(user_id) if "@" in user_id else user_id)


def email_key(email: str) -> str:
    """The key of an e-mail address, which says nothing about the address."""
    return "e:" + _digest(email.lower())


def anonymous_key(anonymous_id: str) -> str:
    """The key of an anonymousId; one that is an e-mail address is hashed like a userId."""
    return "a:" + (_digest(anonymous_id) if "@" in anonymous_id else anonymous_id)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Known:
    """Contacts and companies by the names that events give them."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def addressee(self, person: Person) -> str | None:
        """The id of the contact that events of ``person`` belong to."""
        if person.user_id is not None:
            return self._memory.get("contact", user_key(person.user_id))
        if person.email is not None:
            return self._by_email(person.email)[0]
        return self.lead(person)

    def writable(self, person: Person) -> Contact | None:
        """The contact that a write about ``person`` must go to, if one is known.

        Someone with a userId who is known by e-mail or as a lead only is the same contact, and
        the write must give it the userId (rule P4).
        """
        if (contact_id := self.addressee(person)) is not None:
            return Contact(contact_id)
        if person.user_id is None:
            return None
        if person.email is not None:
            contact_id, linked = self._by_email(person.email)
            if contact_id is not None and not linked:
                return Contact(contact_id, needs_link=True)
        lead = self.lead(person)
        return Contact(lead, needs_link=True) if lead is not None else None

    def lead(self, person: Person) -> str | None:
        """The id of the lead that the person's anonymousId stands for."""
        if person.anonymous_id is None:
            return None
        return self._memory.get("contact", anonymous_key(person.anonymous_id))

    def forget_lead(self, person: Person, contact_id: str) -> None:
        """Remember no longer that the anonymousId stands for this lead."""
        if person.anonymous_id is not None:
            self._drop(anonymous_key(person.anonymous_id), contact_id)

    def is_linked(self, email: str, contact_id: str) -> bool:
        """Whether this contact is known to have this e-mail and somebody's userId."""
        return self._by_email(email) == (contact_id, True)

    def _by_email(self, email: str) -> tuple[str | None, bool]:
        value = self._memory.get("contact", email_key(email))
        if value is None:
            return None, False
        return value.removesuffix(_LINKED), value.endswith(_LINKED)

    def learn(
        self, person: Person, contact_id: str, *, email: str | None = None, linked: bool = False
    ) -> bool:
        """Remember whose contact this is; False if the e-mail is another user's as well.

        Args:
            person: Who it is; a userId is taken to be on the contact now.
            contact_id: Intercom's own id.
            email: The e-mail address that was written, where it is not the person's.
            linked: The contact has a userId, though ``person`` has none.
        """
        email = email if email is not None else person.email
        if person.user_id is None:
            if email is not None:
                value = contact_id + _LINKED if linked else contact_id
                self._memory.put("contact", email_key(email), value)
            elif person.anonymous_id is not None:
                self._memory.put("contact", anonymous_key(person.anonymous_id), contact_id)
            return True
        self._memory.put("contact", user_key(person.user_id), contact_id)
        if person.anonymous_id is not None and self.lead(person) is not None:
            # A lead that has become this user must not become the next one on the same device.
            self._memory.forget("contact", anonymous_key(person.anonymous_id))
        if email is None:
            return True
        if self._memory.get("run.shared", email_key(email)) is not None:
            return False
        other, other_linked = self._by_email(email)
        if other is not None and other != contact_id and other_linked:
            return False
        self._memory.put("contact", email_key(email), contact_id + _LINKED)
        return True

    def note_shared(self, email: str) -> None:
        """Remember for this run that several contacts have this e-mail address."""
        self._memory.put("run.shared", email_key(email), "1")

    def forget(self, person: Person, contact_id: str) -> None:
        """Drop every key of ``person`` that leads to ``contact_id``."""
        if person.user_id is not None:
            self._drop(user_key(person.user_id), contact_id)
        if person.email is not None:
            self._drop(email_key(person.email), contact_id)
        self.forget_lead(person, contact_id)
        self._memory.forget("run.created", contact_id)

    def _drop(self, key: str, contact_id: str) -> None:
        value = self._memory.get("contact", key)
        if value is not None and value.removesuffix(_LINKED) == contact_id:
            self._memory.forget("contact", key)

    def company(self, company_id: str) -> str | None:
        """Intercom's id of your company."""
        return self._memory.get("company", company_id)

    def learn_company(self, company_id: str, intercom_id: str) -> None:
        """Remember Intercom's id of your company."""
        self._memory.put("company", company_id, intercom_id)

    def forget_company(self, company_id: str) -> None:
        """Drop what is remembered of your company."""
        self._memory.forget("company", company_id)

    def is_member(self, contact_id: str, company: str) -> bool:
        """Whether the contact is known to be attached to the company (Intercom's ids)."""
        return self._memory.get("membership", f"{contact_id}:{company}") is not None

    def learn_member(self, contact_id: str, company: str) -> None:
        """Remember that the contact is attached to the company."""
        self._memory.put("membership", f"{contact_id}:{company}", "1")

    def forget_member(self, contact_id: str, company: str) -> None:
        """Remember no longer that the contact is attached to the company."""
        self._memory.forget("membership", f"{contact_id}:{company}")

    def mark_created(self, intercom_id: str) -> None:
        """Remember for this run that the API has only just made this."""
        self._memory.put("run.created", intercom_id, "1")

    def is_fresh(self, intercom_id: str) -> bool:
        """Whether the API has only just made this, so that a 404 means "not yet"."""
        return self._memory.get("run.created", intercom_id) is not None
