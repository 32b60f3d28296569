"""`python -m orchestration <verb>`."""

from orchestration.cli import main

main()
