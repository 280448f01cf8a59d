const LIST = "/api/v1/affiliate/partner/sample/records/list";
const TABS = [["to_review", "To review"], ["ready_to_ship", "Ready to ship"], ["shipped", "Shipped"],
  ["content_pending", "Content pending"], ["completed", "Completed"], ["cancel", "Canceled"]];
const state = { tab: query("tab") || "to_review", page: 1, campaign_id: "" };
let drawn = 0;

const header = el("div");
const table = el("div", { class: "arco-table", role: "table" });
const search = el("input", { class: "search-input", placeholder: "Search", onkeydown: (event) => event.key === "Enter" && find() });
const kind = el("select", { class: "search-type", "aria-label": "Search by" }, el("option", {}, "Campaign ID"), el("option", {}, "Product ID"));
draw(el("h1", {}, "Manage samples"), header,
  el("div", { class: "search" }, kind, search, el("button", { class: "search-icon", "aria-label": "Search", onclick: find }, "🔍"),
    el("button", { class: "search-clear", onclick: () => { search.value = ""; find(); } }, "Clear")), table);

function find() {
  Object.assign(state, { page: 1, campaign_id: search.value.trim() });
  load();
}

function pick(tab) {
  Object.assign(state, { tab, page: 1 });
  history.replaceState(null, "", "?tab=" + tab);
  load();
}

async function load() {
  const turn = ++drawn;
  header.replaceChildren(tabs(TABS, state.tab, pick));
  table.replaceChildren(spin());
  try {
    const data = await call("POST", LIST, { tab: state.tab, page: state.page, size: 50, campaign_id: state.campaign_id });
    if (turn === drawn) table.replaceChildren(rows(data), pagination(data.total, 50, state.page, (page) => { state.page = page; load(); }));
  } catch (error) {
    if (turn === drawn) table.replaceChildren(failure(error, load));
  }
}

function rows(data) {
  if (!data.list.length) return el("div", { class: "arco-table-no-data" }, "No data");
  return virtualised(shuffled(data.list), row, 76);
}

function row(record) {
  const product = record.product_info, creator = record.creator_info;
  const cell = (...children) => el("div", { class: "arco-table-td", role: "cell" }, ...children);
  const hasContent = state.tab === "content_pending" || state.tab === "completed";
  return el("div", { class: "arco-table-tr", role: "row" },
    cell(el("img", { src: "/static/goods.svg", loading: "lazy", width: 32 }), product.product_name, el("br"), "ID: " + product.product_id),
    cell("@" + creator.user_name, el("br"), "Post rate " + creator.post_rate),
    cell(record.campaign_info.name, el("br"), product.sku_info, el("br"), "Stock " + product.stock),
    cell(Math.ceil(record.order_expired_time / 86400000) + " days left"),
    cell(hasContent && el("button", { class: "view-content", onclick: () => contents(record) }, "View content"),
      record.has_logistics && el("button", { class: "view-logistics", onclick: () => logistics(record) }, "View logistics")));
}

async function contents(record) {
  const content = drawer("View content");
  const count = record.content_count;
  const kinds = [["1", `Video (${count.video})`], ["2", `LIVE (${count.live})`]].filter(([key]) => key === "1" || count.live);
  const show = async (type, page) => {
    content.replaceChildren(tabs(kinds, type, (key) => show(key, 1)), spin());
    try {
      const data = await call("POST", "/api/v1/affiliate/partner/sample/content/list", { apply_id: record.apply_id, type, page, size: 10 });
      const items = data.list.map((item) => el("li", { class: "content-item" },
        `${item.name} · ${item.time} · ${item.views} views · ${item.orders} orders · ${item.earnings}`));
      content.replaceChildren(tabs(kinds, type, (key) => show(key, 1)), el("ul", {}, ...items),
        items.length ? pagination(data.total, 10, page, (next) => show(type, next)) : el("p", {}, "No content yet"));
    } catch (error) {
      content.replaceChildren(failure(error, () => show(type, page)));
    }
  };
  await show("1", 1);
}

async function logistics(record) {
  const content = drawer("View logistics");
  const show = async () => {
    try {
      const data = await call("GET", "/api/v1/affiliate/partner/sample/logistics", { apply_id: record.apply_id });
      content.replaceChildren(
        el("dl", {}, ...data.basic_info.flatMap((pair) => [el("dt", {}, pair.label), el("dd", {}, pair.value)])),
        el("ol", { class: "logistics-timeline" }, ...data.timeline.map((event) => el("li", {}, `${event.title} ${event.time}`))));
    } catch (error) {
      content.replaceChildren(failure(error, show));
    }
  };
  await show();
}

load();
