const table = el("div", { class: "arco-table" });
draw(el("h1", {}, "Campaigns"), table);

async function load(page) {
  table.replaceChildren(spin());
  try {
    const data = await call("POST", "/api/v1/affiliate/partner/campaign/list", { page });
    const row = (each) => el("div", { class: "campaign-row", role: "row" }, each.name, " ID: " + each.campaign_id, " ", each.status, " ",
      el("a", { class: "view-details", href: "/affiliate-campaign/campaign/detail?campaign_id=" + each.campaign_id }, "View details"));
    table.replaceChildren(...data.list.map(row), pagination(data.total, 10, page, load));
  } catch (error) {
    table.replaceChildren(failure(error, () => load(page)));
  }
}

load(1);
