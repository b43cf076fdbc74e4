"""`handrail source ...`: who may send reports here."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.api.client import Api, part
from commands.context import context_of, run
from commands.failures import CommandFailed, Exit
from commands.options import Json
from commands.output import out, print_json, table, time_of
from domain.sources.source import RotationStep, summary

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The source.")]
SecretFile = Annotated[
    Path | None, typer.Option("--secret-file", help="A file with the secret that the sender made and signs with.")
]


@app.command("list")
def list_sources(context: typer.Context, as_json: Json = False) -> None:
    """List the sources."""
    run(_list(context, as_json))


@app.command("add")
def add_source(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="Which sender, such as alertmanager.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name, the kind unless given.")] = None,
    signed: Annotated[bool, typer.Option("--signed", help="It signs with its secret instead of showing it.")] = False,
    signing: Annotated[
        Path | None, typer.Option("--signing", help="JSON: how it signs, for the kind generic; see docs/sources.md.")
    ] = None,
    secret_file: SecretFile = None,
    topic: Annotated[
        str | None, typer.Option("--topic", help="For the kind cloudwatch: the ARN of its topic of Amazon SNS.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the secret and nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Add a source, and print its address and its secret, this once."""
    body: dict[str, Any] = {"name": name or kind, "kind": kind, "signed": signed, "secret": _secret(secret_file)}
    if topic:
        body["topic"] = topic
    if signing:
        body["signing"] = _json(signing)
    run(_add(context, body, quiet, as_json))


@app.command("show")
def show_source(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a source, its last deliveries and what became of each."""
    run(_show(context, name, as_json))


@app.command("test")
def try_source(
    context: typer.Context,
    name: Name,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="What the sender sends; a sample of it unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what would be made of a payload; nothing is filed."""
    run(_test(context, name, file, as_json))


@app.command("map")
def set_mapping(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="JSON: a JMESPath expression a field.")],
    payload: Annotated[
        Path | None, typer.Option("--try", help="Store nothing; show what it makes of what the sender sends.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say where the fields of a generic source are."""
    run(_map(context, name, file, payload, as_json))


@app.command("rotate")
def rotate(
    context: typer.Context,
    name: Name,
    finish: Annotated[bool, typer.Option("--finish", help="From now on only the new secret lets in.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Forget the new secret; only the one before lets in.")] = False,
    secret_file: SecretFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the secret and nothing else.")] = False,
    as_json: Json = False,
) -> None:
    """Make another secret. The one before lets in as well until `--finish`."""
    if finish and undo:
        raise CommandFailed("--finish and --undo say the opposite of each other", status=Exit.USAGE)
    step = RotationStep.FINISH if finish else RotationStep.UNDO if undo else RotationStep.BEGIN
    run(_rotate(context, name, {"step": step.value, "secret": _secret(secret_file)}, quiet, as_json))


@app.command("confirm")
def confirm(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Have the topic of a cloudwatch source deliver, once it asked."""
    run(_confirm(context, name, as_json))


@app.command("remove")
def remove_source(context: typer.Context, name: Name) -> None:
    """Remove a source: what it sends from now on is refused. Its tickets stay."""
    run(_remove(context, name))


async def _list(context: typer.Context, as_json: bool) -> None:
    async with _api(context) as api:
        items = [item async for item in api.pages("/sources/{tenant}", 100_000)]
        url = api.url
    if as_json:
        print_json(items)
        return
    rows = [[one["name"], one["kind"], url + one["address"], time_of(one["created_at"])] for one in items]
    out.print(table(["name", "kind", "address", "added"], rows))


async def _add(context: typer.Context, body: dict[str, Any], quiet: bool, as_json: bool) -> None:
    async with _api(context) as api:
        _print_secret(api, await api.post("/sources/{tenant}", body), quiet, as_json)


async def _show(context: typer.Context, name: str, as_json: bool) -> None:
    async with _api(context) as api:
        source = await api.get(f"/sources/{{tenant}}/{part(name)}")
        url = api.url
    if as_json:
        print_json(source)
        return
    out.print(f"{source['name']}: {source['kind']}, {url}{source['address']}", soft_wrap=True)
    if source["is_rotating"]:
        out.print("its secret is being changed: both let in until `source rotate --finish`", soft_wrap=True)
    if source["topic"]:
        out.print(f"signed by Amazon SNS for {source['topic']}", soft_wrap=True, markup=False)
    if asked := source["subscription"]:
        done = asked["confirmed_at"]
        words = f"confirmed by {asked['confirmed_by']}" if done else f"./handrail source confirm {name}"
        out.print(f"its topic asked to deliver {time_of(asked['asked_at'])}: {words}", soft_wrap=True, markup=False)
    rows = [
        [time_of(one["received_at"]), one["outcome"], one["why"] or summary(one["counts"]), "; ".join(one["notes"])]
        for one in source["deliveries"]
    ]
    out.print(table(["received", "outcome", "what became of it", "notes"], rows) if rows else "nothing was sent yet")


async def _test(context: typer.Context, name: str, file: Path | None, as_json: bool) -> None:
    body = _content(file) if file else b""
    async with _api(context) as api:
        path = f"/sources/{{tenant}}/{part(name)}/test"
        tried = await api.request("POST", path, content=body, headers={"Content-Type": "application/json"})
    _print_tried(tried, as_json)


async def _map(context: typer.Context, name: str, file: Path, payload: Path | None, as_json: bool) -> None:
    mapping, sent = _json(file), _json(payload) if payload else None
    async with _api(context) as api:
        path = f"/sources/{{tenant}}/{part(name)}/mapping"
        if payload:
            _print_tried(await api.post(f"{path}/test", {"mapping": mapping, "payload": sent}), as_json)
            return
        stored = await api.put(path, mapping)
    if as_json:
        print_json(stored)
    else:
        out.print(f"the mapping of {name} is stored; try it: ./handrail source test {name}", markup=False)


def _print_tried(tried: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(tried)
        return
    columns = ["state", "title", "severity", "service", "hosts", "key", "notes"]
    rows = [[_cell(one[column]) for column in columns] for one in tried["reports"]]
    out.print(table(columns, rows))
    for words in [*tried["passed_over"], *tried["notes"]]:
        out.print(words, soft_wrap=True, markup=False)


def _secret(file: Path | None) -> str | None:
    """Return what a file says: a secret on the command line would be in the list of processes."""
    return _content(file).decode("utf-8", "replace").strip() if file else None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}") from None


def _json(file: Path) -> Any:
    try:
        return json.loads(_content(file))
    except ValueError as error:
        raise CommandFailed(f"{file} is not JSON: {error}") from None


def _cell(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, list) else value


async def _rotate(context: typer.Context, name: str, body: dict[str, Any], quiet: bool, as_json: bool) -> None:
    async with _api(context) as api:
        answer = await api.post(f"/sources/{{tenant}}/{part(name)}/rotate", body)
        if answer["secret"] or as_json:
            _print_secret(api, answer, quiet, as_json)
        else:
            told = "takes the new secret as well" if answer["is_rotating"] else "has one secret again"
            out.print(f"{name} {told}", markup=False)


async def _confirm(context: typer.Context, name: str, as_json: bool) -> None:
    async with _api(context) as api:
        source = await api.post(f"/sources/{{tenant}}/{part(name)}/confirm", {})
    if as_json:
        print_json(source)
    else:
        out.print(f"the topic of {name} delivers from now on", markup=False)


async def _remove(context: typer.Context, name: str) -> None:
    async with _api(context) as api:
        await api.delete(f"/sources/{{tenant}}/{part(name)}")
    out.print(f"{name} is removed", markup=False)


def _print_secret(api: Api, source: dict[str, Any], quiet: bool, as_json: bool) -> None:
    if as_json:
        print_json(source)
        return
    secret, address = source["secret"], api.url + source["address"]
    lines = [secret or ""] if quiet else [f"address: {address}"]
    if secret and not quiet:
        lines.append(f"secret:  {secret}  (shown this once)")
    for line in lines:
        out.print(line, soft_wrap=True, markup=False)


def _api(context: typer.Context) -> Api:
    found = context_of(context)
    return Api.from_settings(found.settings, found.tenant)
