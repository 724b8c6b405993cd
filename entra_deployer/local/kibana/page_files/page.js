"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const STORE = "local key";
  const ALERTS = 100;

  const made = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = String(text);
    if (name) element.className = name;
    return element;
  };
  const row = (...cells) => {
    const line = made("tr");
    for (const cell of cells) {
      const place = made("td");
      place.append(cell instanceof Node ? cell : document.createTextNode(shown(cell)));
      line.append(place);
    }
    return line;
  };
  const shown = (value) =>
    value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const minute = (text) => String(text || "").slice(0, 16).replace("T", " ");

  const call = async (method, path, body, headers = {}) => {
    const answer = await fetch(path, {
      method,
      headers: { "kbn-xsrf": "page", "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
    const found = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(found.message || answer.statusText), { status: answer.status });
    return found;
  };
  const ask = (method, path, body) => {
    const space = one("space").value || "default";
    const prefix = space === "default" ? "" : `/s/${encodeURIComponent(space)}`;
    return call(method, prefix + path, body, { authorization: `Local ${sessionStorage.getItem(STORE)}` });
  };
  const query = async (text) => {
    const found = await ask("POST", "/local/query", { query: text });
    if (found.error) throw Object.assign(new Error(found.error), { status: 400 });
    return found;
  };

  const login = async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!token) return;
    history.replaceState(null, "", location.pathname);
    const found = await call("POST", "/local/page/session", undefined, { "x-local-token": token });
    sessionStorage.setItem(STORE, found.key);
  };

  // A document with its objects taken apart: {a: {b: 1}} and {"a.b": 1} are the same field.
  const flat = (value, prefix = "") => Object.entries(value).flatMap(([name, inner]) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? flat(inner, `${prefix}${name}.`) : [[prefix + name, inner]]);

  const alertsOf = async (index) => {
    try {
      const columns = "_index, _source";
      const text = `FROM ${index} METADATA ${columns} | SORT @timestamp DESC | KEEP ${columns} | LIMIT ${ALERTS}`;
      const found = await query(text);
      return found.values.map(([place, source]) => ({ _index: place, ...Object.fromEntries(flat(source)) }));
    } catch (error) {
      if (error.status === 400) return [];
      throw error;
    }
  };

  const showRules = (rules, alerts) => {
    const lines = rules.map((rule) => {
      const last = rule.execution_summary?.last_execution;
      const run = made("span", last ? `${last.status}, ${minute(last.date)}` : "never", last?.status);
      if (last?.message) run.title = last.message;
      const button = made("button", "Run now");
      button.type = "button";
      button.setAttribute("aria-label", `Run ${rule.name} now`);
      button.addEventListener("click", () => runRule(rule, button));
      const count = alerts.filter((alert) => alert["kibana.alert.rule.rule_id"] === rule.rule_id).length;
      return row(rule.name, rule.severity, rule.enabled ? "yes" : "no", rule.interval, run, count, button);
    });
    one("rules").tBodies[0].replaceChildren(...lines);
  };

  const showAlerts = (alerts, previews) => {
    const several = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
    one("alerts-about").textContent =
      `${several(alerts.length, "alert")} of rules that ran; ${several(previews.length, "alert")} that deploy verify raised ` +
      `to prove them (the newest ${ALERTS} of each).`;
    const drawn = [...alerts, ...previews].map((alert) => {
      const details = made("details");
      const summary = made("summary");
      const time = made("time", minute(alert["kibana.alert.original_time"] || alert["@timestamp"]));
      const origin = String(alert._index || "").includes(".preview.") ? " verify" : "";
      summary.append(time, ` ${alert["kibana.alert.rule.name"]} `, made("span", `${alert["kibana.alert.severity"]}${origin}`, "dim"));
      const isOfKibana = ([name]) => Number(name.startsWith("kibana.") || name.startsWith("_"));
      const fields = Object.entries(alert)
        .filter(([name, value]) => value !== null && !name.startsWith("kibana.alert.rule."))
        .sort((left, right) => isOfKibana(left) - isOfKibana(right));
      const table = made("table");
      table.append(...fields.map(([name, value]) => row(made("code", name), value)));
      details.append(summary, table);
      return details;
    });
    one("alerts").replaceChildren(...drawn);
  };

  const queryOf = (search) => {
    try {
      return JSON.parse(search.attributes.kibanaSavedObjectMeta.searchSourceJSON).query.esql || "";
    } catch {
      return "";
    }
  };

  const showSearches = (searches) => {
    const lines = searches.map((search) => {
      const line = made("li");
      const button = made("button", "Into the query box");
      button.type = "button";
      button.setAttribute("aria-label", `Put ${search.attributes.title} into the query box`);
      button.addEventListener("click", () => {
        one("query").value = queryOf(search);
        one("query").focus();
      });
      line.append(button, made("span", search.attributes.title));
      return line;
    });
    one("searches").replaceChildren(...(lines.length ? lines : [made("li", "none", "dim")]));
  };

  const attempt = async (work) => {
    one("wrong").textContent = "";
    try {
      await work();
    } catch (error) {
      const isOut = error.status === 401;
      one("content").hidden = isOut;
      one("wrong").textContent = isOut
        ? "This page needs a new link: type `deploy local open`."
        : error.status ? error.message : "The stack does not answer: `deploy local up` starts it.";
    }
  };

  const look = () => attempt(async () => {
    one("said").textContent = "looking…";
    const space = one("space").value || "default";
    const [status, spaces, rules, searches, alerts, previews] = await Promise.all([
      ask("GET", "/api/status"),
      ask("GET", "/api/spaces/space"),
      ask("GET", "/api/detection_engine/rules/_find?per_page=1000&sort_field=name&sort_order=asc"),
      ask("GET", "/api/saved_objects/_find?type=search&per_page=1000"),
      alertsOf(`.alerts-security.alerts-${space}`),
      alertsOf(`.preview.alerts-security.alerts-${space}`),
    ]);
    one("stack").textContent = `Kibana API ${status.version?.number || ""}, on this machine only`;
    const options = spaces.map(({ id }) => Object.assign(made("option", id), { value: id, selected: id === space }));
    one("space").replaceChildren(...options);
    showRules(rules.data, alerts);
    showAlerts(alerts, previews);
    showSearches(searches.saved_objects);
    one("content").hidden = false;
    one("said").textContent = "";
  }).finally(() => { one("said").textContent = ""; });

  const runRule = (rule, button) => attempt(async () => {
    button.disabled = true;
    try {
      const found = await ask("POST", "/local/rules/run", { rule_id: rule.rule_id });
      await look();
      const more = [...new Set([...found.errors, ...found.warnings])].join("; ");
      one("said").textContent = `${rule.name}: ${found.status}, ${found.created} new alerts${more ? `; ${more}` : ""}`;
    } finally {
      button.disabled = false;
    }
  });

  const runQuery = () => attempt(async () => {
    one("told").textContent = "running…";
    one("result").replaceChildren();
    try {
      const began = performance.now();
      const found = await query(one("query").value);
      const head = made("thead"), body = made("tbody"), names = made("tr");
      for (const column of found.columns) {
        const cell = made("th", column.name);
        cell.scope = "col";
        cell.title = column.type;
        names.append(cell);
      }
      head.append(names);
      body.append(...found.values.map((line) => row(...line)));
      one("result").replaceChildren(head, body);
      one("told").textContent = `${found.values.length} rows in ${Math.round(performance.now() - began)} ms`;
    } catch (error) {
      one("told").textContent = "";
      throw error;
    }
  });

  one("refresh").addEventListener("click", look);
  one("space").addEventListener("change", look);
  one("form").addEventListener("submit", (event) => {
    event.preventDefault();
    runQuery();
  });
  one("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) runQuery();
  });
  attempt(login).then(() => { if (!one("wrong").textContent) look(); });
})();
