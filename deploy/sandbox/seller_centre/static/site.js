// What every page of the seller centre has: elements, calls, tabs, pagination, drawers.
const root = document.getElementById("root");

function el(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

function draw(...children) {
  root.replaceChildren(...children);
}

// Elements that this page leaves out, whenever they appear.
if (window.SITE.missing.length) {
  const selector = window.SITE.missing.join(",");
  const omit = () => document.querySelectorAll(selector).forEach((found) => found.remove());
  new MutationObserver(omit).observe(document.body, { childList: true, subtree: true });
}

class CallError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function call(verb, path, asked) {
  const query = verb === "GET" ? "?" + new URLSearchParams(asked) : "";
  const body = verb === "GET" ? undefined : JSON.stringify(asked);
  const response = await fetch(path + query, { method: verb, body, headers: { "content-type": "application/json" } });
  const answer = await response.json().catch(() => ({ code: response.status, message: "network error" }));
  if (answer.code === 100002) location.href = "/account/login?redirect=" + encodeURIComponent(location.pathname + location.search);
  if (answer.code === 10000) wall("captcha-verify-container", "captcha_verify_container", "Verify to continue");
  if (answer.code === 98001001) wall("", "account-restricted", "Your account has been suspended");
  if (answer.code !== 0) throw new CallError(answer.code, answer.message);
  return answer.data;
}

function wall(id, name, title) {
  if (!document.querySelector("." + name)) document.body.append(el("div", { id, class: name }, el("h2", {}, title)));
}

function spin() {
  return el("div", { class: "arco-spin" }, "Loading…");
}

function failure(error, again) {
  return el("div", { class: "arco-message-error", role: "alert" }, "Something went wrong: " + error.message + " ",
    el("button", { class: "retry", onclick: again }, "Retry"));
}

function tabs(names, active, pick) {
  const title = ([key, label]) => el("div", {
    role: "tab", class: "arco-tabs-header-title" + (key === active ? " arco-tabs-header-title-active" : ""),
    "aria-selected": String(key === active), onclick: () => pick(key),
  }, label);
  return el("div", { class: "arco-tabs", role: "tablist" }, el("div", { class: "arco-tabs-header" }, ...names.map(title)));
}

function pagination(total, size, page, turn) {
  const last = Math.max(Math.ceil(total / size), 1);
  const item = (name, label, target, off) => el("li", {
    class: `arco-pagination-item ${name}${off ? " arco-pagination-item-disabled" : ""}`,
    "aria-disabled": String(off), "aria-label": label, onclick: () => off || turn(target),
  }, label);
  const near = [];
  for (let n = Math.max(1, page - 2); n <= Math.min(last, page + 2); n++) {
    near.push(item("number" + (n === page ? " arco-pagination-item-active" : ""), String(n), n, false));
  }
  const jump = (event) => {
    const target = parseInt(event.target.value, 10);
    if (event.key === "Enter" && target >= 1 && target <= last) turn(target);
  };
  return el("ul", { class: "arco-pagination" }, el("span", { class: "arco-pagination-total" }, `Total ${total}`),
    item("arco-pagination-item-prev", "Previous", page - 1, page <= 1), ...near,
    item("arco-pagination-item-next", "Next", page + 1, page >= last),
    el("span", { class: "arco-pagination-jumper" }, "Go to ", el("input", { "aria-label": "Go to page", onkeydown: jump })));
}

function drawer(title) {
  const content = el("div", { class: "arco-drawer-content" }, spin());
  const mask = el("div", { class: "arco-drawer-mask" });
  const close = () => wrapper.remove();
  const wrapper = el("div", { class: "arco-drawer-wrapper" }, mask, el("div", { class: "arco-drawer", role: "dialog", "aria-label": title },
    el("span", { class: "arco-drawer-close-icon", "aria-label": "Close", role: "button", onclick: close }, "✕"),
    el("h3", { class: "arco-drawer-title" }, title), content));
  document.body.append(wrapper);
  return content;
}

// Draws only the rows that can be seen, and a few beside them.
function virtualised(rows, drawn, height) {
  const inner = el("div", { style: `height:${rows.length * height}px` });
  const body = el("div", { class: "arco-table-body" }, inner);
  const shown = new Map();
  const update = () => {
    const first = Math.max(Math.floor(body.scrollTop / height) - 2, 0);
    const end = Math.min(first + Math.ceil((body.clientHeight || 560) / height) + 4, rows.length);
    for (const [index, node] of shown) if (index < first || index >= end) { node.remove(); shown.delete(index); }
    for (let index = first; index < end; index++) {
      if (shown.has(index)) continue;
      const node = drawn(rows[index]);
      node.style.top = index * height + "px";
      shown.set(index, node);
      inner.append(node);
    }
  };
  body.addEventListener("scroll", update);
  update();
  return body;
}

function shuffled(rows) {
  if (!window.SITE.shuffled) return rows;
  return rows.map((row) => [Math.random(), row]).sort((a, b) => a[0] - b[0]).map(([, row]) => row);
}

function query(name) {
  return new URLSearchParams(location.search).get(name) || "";
}
