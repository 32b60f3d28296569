import inspect

from recomart import errors


def test_tree_in_the_docstring_names_every_error() -> None:
    classes = {
        name
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, errors.RecoMartError)
    }
    drawn = {line.strip("│├└─ ").split(" ")[0] for line in errors.__doc__.splitlines()}
    assert classes <= drawn


def test_render_reads_like_a_compiler_s() -> None:
    error = errors.HeaderMismatch(
        "ratings.csv has no column for rated_at",
        where='shops/acme.yml:14   ratings.columns.rated_at: "time"',
        found="user, item, stars, ts",
        help='set rated_at: "ts"',
        code="missing-column",
    )
    assert error.render().splitlines() == [
        "error[missing-column]: ratings.csv has no column for rated_at",
        '  --> shops/acme.yml:14   ratings.columns.rated_at: "time"',
        "  found: user, item, stars, ts",
        '  help: set rated_at: "ts"',
    ]
