const PRODUCTS = "/api/v1/affiliate/partner/campaign/product/list";
const header = el("div");
const table = el("div", { class: "arco-table" });
draw(el("h1", {}, "Campaign details"), header, table);

async function load(status, page) {
  header.replaceChildren(tabs([["pending", "Pending"], ["approved", "Approved"]], status, (key) => load(key, 1)));
  table.replaceChildren(spin());
  try {
    const data = await call("POST", PRODUCTS, { campaign_id: query("campaign_id"), status, page });
    const row = (each) => el("div", { class: "product-row", role: "row" }, el("img", { src: "/static/goods.svg", loading: "lazy" }),
      `${each.product_name} ID: ${each.product_id} ${each.price_range} ${each.commission_rate}`);
    table.replaceChildren(...data.list.map(row), data.list.length ? "" : el("div", { class: "arco-table-no-data" }, "No data"),
      pagination(data.total, 20, page, (next) => load(status, next)));
  } catch (error) {
    table.replaceChildren(failure(error, () => load(status, page)));
  }
}

load("pending", 1);
