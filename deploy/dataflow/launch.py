"""The flex template's program: parameters in, a job that Dataflow runs out."""

from with_secrets import load

if __name__ == "__main__":
    load()
    from pipeline.run.template import main

    main()
