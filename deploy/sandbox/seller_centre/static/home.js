draw(el("h1", { class: "home-dashboard" }, "Welcome back"), el("nav", {},
  el("a", { href: "/affiliate-campaign/sample-requests?tab=to_review" }, "Sample requests"), " ",
  el("a", { href: "/affiliate-cmp/creator" }, "Find creators"), " ",
  el("a", { href: "/affiliate-campaign/campaign" }, "Campaigns")));
