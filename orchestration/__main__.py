"""`python -m orchestration <verb>`."""

from orchestration.cli import main

if __name__ == "__main__":  # a process that training starts imports this module, and is no verb
    main()
