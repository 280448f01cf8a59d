// A conversation. Enter sends, Shift+Enter begins a new line, the button sends too; the box is emptied only when the
// server has answered, so that Enter followed by the button sends twice.
const LONGEST = 2000;
let creatorId = query("creator_id");
const messages = el("div", { class: "chat-messages" });
const box = el("textarea", { id: "imTextarea", placeholder: "Send a message", maxlength: LONGEST });
const counter = el("span", { class: "input-count" }, `0/${LONGEST}`);
const toast = el("div", { class: "chat-toast", role: "alert" });
const products = el("div", { class: "chat-products", hidden: "" });
const picture = el("input", { type: "file", accept: "image/*", class: "chat-image" });
const contact = el("div", { class: "contact-info" });
let clientIds = 0;

box.addEventListener("input", () => { counter.textContent = `${box.value.length}/${LONGEST}`; });
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey) return;
  event.preventDefault();
  sendText();
});
picture.addEventListener("change", sendPicture);

function bubble(message, status) {
  const made = el("div", { class: "chat-message " + (message.from === "creator" ? "left" : "right"), "data-type": message.type, "data-status": status });
  if (message.type === "image") made.append(el("img", { src: message.content, width: 96 }));
  else if (message.type === "product") made.append(el("div", { class: "product-card" }, "Product ID: " + message.content));
  else made.append(...message.content.split(/(https?:\/\/\S+)/).map((part, odd) => (odd % 2 ? el("a", { href: part }, part) : part)));
  return made;
}

async function send(message) {
  const shown = bubble({ from: "merchant", ...message }, "sending");
  messages.append(shown);
  messages.scrollTop = messages.scrollHeight;
  toast.textContent = "";
  try {
    const asked = { creator_id: creatorId, client_id: `${Date.now()}-${++clientIds}`, ...message };
    const answer = await call("POST", "/api/v1/im/message/send", asked);
    if (!answer.is_shown) shown.remove();
    else if (!answer.is_pending) Object.assign(shown.dataset, { status: "sent", messageId: answer.message_id });
    return true;
  } catch (error) {
    shown.dataset.status = "failed";
    shown.title = toast.textContent = error.message;
    return false;
  }
}

async function sendText() {
  const content = box.value;
  if (!content.trim()) return;
  if (!(await send({ type: "text", content }))) return;
  box.value = "";
  counter.textContent = `0/${LONGEST}`;
}

async function sendPicture() {
  const file = picture.files[0];
  const data = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(file);
  });
  try {
    const uploaded = await call("POST", "/api/v1/im/upload", { name: file.name, data });
    await send({ type: "image", content: uploaded.url });
  } catch (error) {
    toast.textContent = error.message;
  }
}

function offered(listed) {
  const find = el("input", { class: "product-search", placeholder: "Search by product ID", oninput: () => show() });
  const rows = el("div");
  const show = () => rows.replaceChildren(...listed.filter((each) => each.product_id.includes(find.value.trim())).map((each) =>
    el("div", { class: "product-option", "data-product-id": each.product_id }, each.product_name + " ",
      el("button", { class: "send-product", onclick: () => send({ type: "product", content: each.product_id }) }, "Send"))));
  show();
  products.replaceChildren(find, rows);
}

function composer() {
  return el("div", { id: "im_sdk_chat_input" },
    el("button", { class: "open-products", onclick: () => { products.hidden = !products.hidden; } }, "Products"), picture, products,
    box, el("div", { class: "footer" }, counter, el("button", { class: "send", onclick: sendText }, "Send")));
}

async function load() {
  draw(spin());
  try {
    const data = await call("GET", "/api/v1/im/conversation", { creator_id: creatorId });
    creatorId = data.creator.creator_id;
    const history = () => messages.prepend(...data.messages.map((each) => bubble(each, each.status)));
    if (data.history_late_ms) setTimeout(history, data.history_late_ms);
    else history();
    offered(data.products);
    const info = () => { contact.textContent = `Email ${data.creator.email || "-"} WhatsApp ${data.creator.whatsapp || "-"}`; };
    draw(el("h1", { class: "chat-title" }, `${data.creator.nickname} @${data.creator.handle}`),
      el("button", { class: "show-contact", onclick: info }, "Contact info"), contact,
      el("div", { class: "chat" }, messages, toast,
        data.is_available ? data.has_input && composer() : el("div", { class: "chat-unavailable" }, data.reason)));
    messages.scrollTop = messages.scrollHeight;
  } catch (error) {
    draw(failure(error, load));
  }
}

load();
