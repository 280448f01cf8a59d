const PROFILE = "/api/v1/oec/affiliate/creator/marketplace/profile";
const TITLES = { basic: "Profile", sales: "Sales", content: "Content", audience: "Followers" };
const id = query("cid");
const contact = el("div", { class: "contact-info" });

function section(name) {
  const node = el("section", { class: "profile-section", "data-section": name }, el("h2", {}, TITLES[name]), spin());
  const load = async () => {
    try {
      const data = await call("GET", PROFILE, { creator_id: id, section: name });
      node.replaceChildren(el("h2", {}, TITLES[name]), el("pre", {}, JSON.stringify(data, null, 1)));
    } catch (error) {
      node.replaceChildren(failure(error, load));
    }
  };
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    load();
  });
  seen.observe(node);
  return node;
}

async function reveal() {
  const data = await call("GET", PROFILE, { creator_id: id, section: "contact" });
  contact.textContent = `Email ${data.email || "-"} WhatsApp ${data.whatsapp || "-"}`;
}

draw(el("h1", {}, "Creator details"), el("button", { class: "show-contact", onclick: reveal }, "Contact info"), contact,
  el("a", { class: "message-creator", href: `/partner/im?creator_id=${id}&market=19&enter_from=find_creator_detail` }, "Message"),
  ...Object.keys(TITLES).map(section));
