"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const rules = [...document.querySelectorAll(".rule")];
  const pressed = [...document.querySelectorAll(".technique")];
  const form = one("filters"), query = one("q"), shown = one("shown");
  const selects = ["severity", "proof", "level", "live", "tactic"].map(one).filter(Boolean);
  let technique = "";
  const texts = new Map();

  const textOf = (rule) => {
    if (!texts.has(rule)) texts.set(rule, `${rule.textContent} ${rule.dataset.techniques}`.toLowerCase());
    return texts.get(rule);
  };

  const matches = (rule, terms) =>
    selects.every(({ id, value }) =>
      !value || (id === "tactic" ? rule.dataset.tactics.split(" ").includes(value) : rule.dataset[id] === value)) &&
    (!technique || rule.dataset.techniques.split(" ").includes(technique)) &&
    terms.every((term) => textOf(rule).includes(term));

  const filter = () => {
    const terms = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const rule of rules) {
      const fits = matches(rule, terms);
      if (rule.hidden === fits) rule.hidden = !fits;
      count += fits;
    }
    for (const button of pressed) button.setAttribute("aria-pressed", String(button.dataset.technique === technique));
    const behind = technique ? `, for ${technique}` : "";
    shown.textContent = `${count} of ${rules.length} rules${behind}`;
  };

  const clear = () => {
    technique = "";
    form.reset();
    filter();
  };

  const openTarget = () => {
    const target = location.hash ? one(decodeURIComponent(location.hash.slice(1))) : null;
    if (!target || !target.classList.contains("rule")) return;
    if (target.hidden) clear();
    target.open = true;
    target.scrollIntoView();
  };

  let waiting = 0;
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 60);
  });
  for (const select of selects) select.addEventListener("change", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  one("clear").addEventListener("click", clear);
  one("open").addEventListener("click", () => rules.forEach((rule) => { if (!rule.hidden) rule.open = true; }));
  one("close").addEventListener("click", () => rules.forEach((rule) => { rule.open = false; }));
  for (const button of pressed) {
    button.addEventListener("click", () => {
      technique = technique === button.dataset.technique ? "" : button.dataset.technique;
      filter();
      if (technique) one("rules").focus();
    });
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
    } else if (event.key === "Escape" && (typing || technique)) {
      clear();
    }
  });
  const theme = one("theme");
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  addEventListener("hashchange", openTarget);
  form.hidden = theme.hidden = false;
  openTarget();
})();
