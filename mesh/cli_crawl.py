"""The words of `mesh crawl`; `crawl.py` holds its bodies."""

from typing import Annotated

import typer

from mesh.words import Json, join

crawl = typer.Typer(no_args_is_help=True)

Region = Annotated[str, typer.Option("--region", "-r", help="Whose accounts and samples.")]
AccountName = Annotated[str | None, typer.Option("--account", help="This account and no other.", show_default="any")]
SiteUrl = Annotated[
    str | None,
    typer.Option("--site", help="Address of another seller centre, e.g. the sandbox.", show_default=False),
]
IsExported = Annotated[bool, typer.Option("--excel", help="Also write a workbook and CSV below MESH_DATA_DIR.")]
IsAfresh = Annotated[bool, typer.Option("--afresh", help="Begin anew where an earlier run was interrupted.")]
IsQueued = Annotated[bool, typer.Option("--queue", help="Only put the command into its queue, for the workers.")]
IsReadOnly = Annotated[bool, typer.Option("--dry-run", help="Read, and publish nothing.")]
Pages = Annotated[int | None, typer.Option("--max-pages", min=1, help="Pages of each list.", show_default="all")]
Campaigns = Annotated[list[str] | None, typer.Option("--campaign", "-c", help="Only these campaigns, by id.")]


@crawl.command("samples")
def crawl_samples(
    region: Region = "MX",
    tabs: Annotated[
        list[str] | None,
        typer.Option("--tab", "-t", help="review, ready, shipped, pending, completed, canceled or all."),
    ] = None,
    campaigns: Campaigns = None,
    max_pages: Pages = None,
    is_expanded: Annotated[
        bool, typer.Option("--content/--no-content", help="Open what was published for each sample.")
    ] = True,
    is_shipped: Annotated[bool, typer.Option("--logistics", help="Open how each sample was shipped.")] = False,
    account: AccountName = None,
    site: SiteUrl = None,
    is_exported: IsExported = False,
    is_afresh: IsAfresh = False,
    is_queued: IsQueued = False,
    is_read_only: IsReadOnly = False,
) -> None:
    """Read sample requests and publish them, page by page. Ctrl-C keeps the place: the same words go on from there."""
    join()
    from mesh import crawl as body

    command = body.samples(
        region=region,
        tabs=tabs or ["completed"],
        campaigns=campaigns or [],
        max_pages=max_pages,
        expands=is_expanded,
        logistics=is_shipped,
    )
    how = body.How(site, account, is_exported, is_afresh, is_queued, is_read_only)
    raise typer.Exit(body.run(command, how))


@crawl.command("creators")
def crawl_creators(
    region: Region = "MX",
    keyword: Annotated[str, typer.Option("--keyword", "-k", help="What to search for.")] = "",
    categories: Annotated[list[str] | None, typer.Option("--category", help="Product categories.")] = None,
    min_fans: Annotated[int | None, typer.Option("--min-fans", min=0, help="Followers at least.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Creators at most.")] = 400,
    task: Annotated[
        str | None, typer.Option("--task", help="The outreach task that they are handed to.", show_default="none")
    ] = None,
    account: AccountName = None,
    site: SiteUrl = None,
    is_exported: IsExported = False,
    is_afresh: IsAfresh = False,
    is_queued: IsQueued = False,
    is_read_only: IsReadOnly = False,
) -> None:
    """Search creators, read each one's page, and publish them one by one."""
    join()
    from mesh import crawl as body

    command = body.creators(
        region=region, keyword=keyword, categories=categories or [], min_fans=min_fans, most=most, task=task
    )
    how = body.How(site, account, is_exported, is_afresh, is_queued, is_read_only)
    raise typer.Exit(body.run(command, how))


@crawl.command("campaigns")
def crawl_campaigns(
    region: Region = "MX",
    campaigns: Campaigns = None,
    max_pages: Pages = None,
    account: AccountName = None,
    site: SiteUrl = None,
    is_exported: IsExported = False,
    is_afresh: IsAfresh = False,
    is_queued: IsQueued = False,
    is_read_only: IsReadOnly = False,
) -> None:
    """Read campaigns with their approved products, and publish both."""
    join()
    from mesh import crawl as body

    command = body.campaigns(region=region, campaigns=campaigns or [], max_pages=max_pages)
    how = body.How(site, account, is_exported, is_afresh, is_queued, is_read_only)
    raise typer.Exit(body.run(command, how))


@crawl.command("accounts")
def crawl_accounts(as_json: Json = False) -> None:
    """List the sellers' accounts, and which of them rest because the site stopped them."""
    join()
    from mesh import crawl_accounts as body

    body.listed(as_json=as_json)


@crawl.command("seal")
def crawl_seal() -> None:
    """Ask for a mailbox's password, and print it sealed, for `password_sealed` in the accounts' file."""
    join()
    from mesh import crawl_accounts as body

    body.seal(typer.prompt("Password", hide_input=True, err=True))


@crawl.command("resume")
def crawl_resume(
    names: Annotated[list[str], typer.Argument(help="Accounts as `mesh crawl accounts` shows them.")],
) -> None:
    """Let accounts work again, once a person has solved the puzzle or settled the ban."""
    join()
    from mesh import crawl_accounts as body

    body.resume(names)
