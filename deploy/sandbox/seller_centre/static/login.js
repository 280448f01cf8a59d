const email = el("input", { name: "email", type: "email", placeholder: "Email address" });
const code = el("input", { name: "code", placeholder: "Enter 6-character code", maxlength: 6 });
const told = el("div", { class: "login-message", role: "alert" });
const form = el("div", { class: "login-form", hidden: "" }, email,
  el("button", { class: "send-code", onclick: sendCode }, "Send code"), code,
  el("button", { class: "log-in", onclick: logIn }, "Log in"), told);
draw(el("h1", {}, "Log in to Partner Center"),
  el("a", { class: "with-code", href: "#", onclick: (event) => { event.preventDefault(); form.hidden = false; } }, "Log in with code"), form);

async function post(path, asked) {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(asked) });
  const answer = await response.json().catch(() => ({ code: 1, message: "network error" }));
  told.textContent = answer.code === 0 ? "" : answer.message;
  return answer.code === 0;
}

async function sendCode() {
  if (await post("/passport/email/code/send", { email: email.value })) told.textContent = "Code sent";
}

async function logIn() {
  if (await post("/passport/email/code/login", { email: email.value, code: code.value })) location.href = query("redirect") || "/home";
}
