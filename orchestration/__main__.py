"""`python -m orchestration <verb>`."""

from orchestration.cli import main

if __name__ == "__main__":  # worker processes of training import this module without running it
    main()
