(() => {
  const state = "entra-deployer report";
  const kept = JSON.parse(sessionStorage.getItem(state) || "null");
  if (kept) {
    sessionStorage.removeItem(state);
    for (const id of kept.open) {
      const rule = document.getElementById(id);
      if (rule) rule.open = true;
    }
    const query = document.getElementById("q");
    query.value = kept.query;
    query.dispatchEvent(new Event("input"));
    scrollTo(0, kept.scroll);
  }
  let last = null;
  const look = async () => {
    try {
      const answer = await fetch("version", { cache: "no-store" });
      const version = answer.ok ? await answer.text() : last;
      if (last !== null && version !== last) {
        const open = [...document.querySelectorAll(".rule[open]")].map((rule) => rule.id);
        const value = { open, query: document.getElementById("q").value, scroll: scrollY };
        sessionStorage.setItem(state, JSON.stringify(value));
        location.reload();
        return;
      }
      last = version;
    } catch {
      // the server is away for now
    }
    setTimeout(look, 1000);
  };
  look();
})();
