const FIND = "/api/v1/oec/affiliate/creator/marketplace/find";
const CHOICES = {
  "Product category": ["categories", ["Beauty & Personal Care", "Health", "Home Supplies", "Fashion Accessories", "Food & Beverages", "Toys"]],
  "Content type": ["content_types", ["Video", "Live"]],
  "Follower age": ["ages", ["18-24", "25-34", "35-44", "45-54", "55+"]],
  "GMV": ["gmv", ["0-100", "100-1k", "1k-10k", "10k+"]],
  "Items sold": ["sales", ["0-10", "10-100", "100-1k", "1k+"]],
};
const NUMBERS = { "Min followers": "min_followers", "Min average views": "min_views", "Min engagement rate": "min_engagement", "Gender share": "gender_share" };
const state = { filters: {}, cursor: 0, more: true, loading: false, search: 0 };

const keyword = el("input", { class: "creator-search", placeholder: "Search creators", onkeydown: (event) => event.key === "Enter" && find() });
const chips = el("div", { class: "filter-chips" });
const list = el("div", { class: "creator-list" });
const sentinel = el("div", { class: "list-end" }, " ");
draw(el("h1", {}, "Find creators"), keyword, el("button", { class: "search-icon", "aria-label": "Search", onclick: find }, "Search"),
  el("div", { class: "filters" }, ...Object.entries(CHOICES).map(choice), gender(), ...Object.entries(NUMBERS).map(figure)), chips, list, sentinel);

function choice([label, [name, options]]) {
  const panel = el("div", { class: "filter-panel", role: "listbox", "aria-label": label, hidden: "" }, ...options.map((option) => {
    const toggle = (event) => {
      const chosen = new Set(state.filters[name] || []);
      event.target.checked ? chosen.add(option) : chosen.delete(option);
      state.filters[name] = [...chosen];
      find();
    };
    return el("label", {}, el("input", { type: "checkbox", onchange: toggle }), option);
  }));
  return el("div", { class: "filter" }, el("button", { onclick: () => { panel.hidden = !panel.hidden; } }, label), panel);
}

function gender() {
  const change = (event) => { state.filters.gender = event.target.value; find(); };
  return el("select", { "aria-label": "Follower gender", onchange: change }, ...["Any", "Female", "Male"].map((each) => el("option", {}, each)));
}

function figure([label, name]) {
  const change = (event) => { state.filters[name] = event.target.value; find(); };
  return el("input", { placeholder: label, "aria-label": label, inputmode: "decimal", size: 12, onchange: change });
}

function find() {
  state.filters.keyword = keyword.value.trim();
  Object.assign(state, { cursor: 0, more: true, loading: false, search: state.search + 1 });
  list.replaceChildren();
  const shown = Object.entries(state.filters).filter(([, value]) => value && value.length && value !== "Any");
  chips.replaceChildren(...shown.map(([name, value]) => el("span", { class: "filter-chip", "data-filter": name }, [value].flat().join(", "))));
  load();
}

async function load() {
  if (state.loading || !state.more) return;
  state.loading = true;
  const search = state.search;
  sentinel.replaceChildren(spin());
  try {
    const data = await call("POST", FIND, { filters: state.filters, cursor: state.cursor });
    if (search !== state.search) return;
    Object.assign(state, { cursor: data.cursor, more: data.has_more, loading: false });
    list.append(...data.list.map(card));
    sentinel.replaceChildren(state.more ? " " : "No more creators");
    if (state.more && isNear()) load();
  } catch (error) {
    if (search !== state.search) return;
    state.loading = false;
    sentinel.replaceChildren(failure(error, load));
  }
}

function card(person) {
  return el("a", { class: "creator-card", href: "/affiliate-cmp/creator/detail?cid=" + person.creator_id },
    el("b", {}, person.nickname), el("br"), "@" + person.handle, el("br"), person.followers.toLocaleString() + " followers");
}

function isNear() {
  return sentinel.getBoundingClientRect().top < innerHeight + 200;
}

addEventListener("scroll", () => isNear() && load());
load();
