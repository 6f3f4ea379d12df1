// The preview's page: asks the server what there is to see, again whenever a file changed. No library, nothing from elsewhere.
"use strict";

const TABS = ["Feed", "Mail", "Phone", "Text", "Message", "Findings", "Source"];
const ROW = 60;
const at = id => document.getElementById(id);
const state = {
  issues: [], shown: [], chosen: null, tab: "Feed", dark: false, pictures: false,
  version: "", look: null, findings: [], source: null, tag: null, title: "",
};

// Elements are made from text, never from HTML: what an issue holds stays words.
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null));
  return element;
};

// ---- the list: only the rows that are seen are there, so that ten thousand are no more than ten

const drawList = () => {
  const list = at("list"), rows = at("rows");
  rows.style.height = `${state.shown.length * ROW}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(state.shown.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  const drawn = [];
  for (let number = first; number < last; number++) drawn.push(row(state.shown[number], number));
  rows.replaceChildren(...drawn);
  const chosen = state.shown.findIndex(issue => issue.path === state.chosen);
  if (chosen >= first && chosen < last) list.setAttribute("aria-activedescendant", `issue-${chosen}`);
  else list.removeAttribute("aria-activedescendant");
};

const row = (issue, number) => {
  const mark = issue.mark && make("i", {class: `mark ${issue.mark.replace(" ", "-")}`}, issue.mark);
  const element = make("div", {
    class: "row", role: "option", id: `issue-${number}`, "data-path": issue.path, "aria-posinset": number + 1,
    "aria-setsize": state.shown.length, "aria-selected": issue.path === state.chosen,
  }, make("b", {dir: "auto"}, issue.title), make("small", {}, issue.date || "no date"), mark);
  element.style.top = `${number * ROW}px`;
  element.addEventListener("click", () => choose(issue.path));
  return element;
};

const filter = () => {
  const wanted = at("filter").value.trim().toLowerCase();
  const fits = issue => `${issue.title} ${issue.path} ${issue.date} ${issue.mark || ""}`.toLowerCase().includes(wanted);
  state.shown = wanted ? state.issues.filter(fits) : state.issues;
  drawList();
};

const step = by => {
  if (!state.shown.length) return;
  const now = state.shown.findIndex(issue => issue.path === state.chosen);
  const next = Math.min(state.shown.length - 1, Math.max(0, now + by));
  choose(state.shown[next].path);
};

const reveal = () => {
  const list = at("list"), top = state.shown.findIndex(issue => issue.path === state.chosen) * ROW;
  if (top < 0) return;
  if (top < list.scrollTop) list.scrollTop = top;
  if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
};

const choose = path => {
  if (path === state.chosen) return;
  Object.assign(state, {chosen: path, look: null, findings: [], source: null});
  reveal();
  drawList();
  load();
};

// ---- findings

const finding = one => {
  const place = [one.path, one.line || null, one.line && one.column || null].filter(part => part !== null).join(":");
  let link = null;
  if (one.path) {
    link = make("a", {href: "#"}, place);
    link.addEventListener("click", event => { event.preventDefault(); showSource(one.path, one.line); });
  }
  return make("div", {class: `finding ${one.severity}`},
    make("h3", {}, make("em", {}, `${one.severity}: `), one.message), link, marked(one),
    make("p", {}, [one.help, one.rule && `(${one.rule})`].filter(Boolean).join(" ")));
};

const marked = one => {
  if (one.source === null) return null;
  const letters = [...one.source], start = Math.max(0, one.column - 1);
  if (!one.column) return make("pre", {}, one.source);
  const end = one.length ? start + one.length : letters.length;
  const part = (from, to) => letters.slice(from, to).join("");
  return make("pre", {}, part(0, start), make("mark", {}, part(start, end)), part(end));
};

const showSource = async (path, line) => {
  const answer = await fetch(`/source?path=${encodeURIComponent(path)}`);
  state.source = {path, line, text: answer.ok ? await answer.text() : `There is no ${path} to show.`};
  turn("Source");
};

// ---- the ways to read an issue

const pages = {
  Text: () => [make("pre", {class: "text", dir: "auto"}, state.look.letter.good.text)],
  Message: () => {
    const letter = state.look.letter.good;
    const inbox = make("div", {class: "inbox"}, make("p", {}, make("b", {dir: "auto"}, letter.subject)),
      make("p", {}, make("span", {dir: "auto"}, letter.preheader || "no preheader")));
    const rows = letter.headers.map(([name, value]) => make("tr", {}, make("th", {scope: "row"}, name), make("td", {}, value)));
    const message = rows.length ? make("table", {}, make("tbody", {}, ...rows))
      : make("p", {class: "empty"}, "The project file has no mail, so there is no message: only how it would look.");
    return [inbox, size(letter), message];
  },
  Findings: () => state.findings.length ? state.findings.map(finding) : [make("p", {class: "empty"}, "No problems found.")],
  Source: () => {
    const lines = state.source.text.split("\n").map((text, number) =>
      make("div", number + 1 === state.source.line ? {class: "here"} : {}, text));
    return [make("p", {class: "place"}, state.source.path), make("pre", {class: "source"}, ...lines)];
  },
};

const size = letter => {
  const kilobytes = bytes => (bytes / 1000).toFixed(1);
  const share = letter.html_bytes / letter.most_html_bytes;
  const words = `HTML ${kilobytes(letter.html_bytes)} kB of the ${kilobytes(letter.most_html_bytes)} kB that Gmail shows`
    + (letter.message_bytes ? `; the whole message ${kilobytes(letter.message_bytes)} kB, for ${letter.recipient}` : "");
  return make("div", {class: `size ${share > 1 ? "over" : share > 0.8 ? "near" : ""}`}, words,
    make("progress", {max: letter.most_html_bytes, value: Math.min(letter.html_bytes, letter.most_html_bytes), "aria-label": "Size of the HTML"}));
};

const draw = () => {
  const {look, tab} = state;
  const part = look && (tab === "Feed" ? look.entry : look.letter);
  drawTabs();
  drawHead();
  const framed = ["Feed", "Mail", "Phone"].includes(tab) && part && part.good !== null;
  at("framed").hidden = !framed;
  at("page").hidden = framed;
  at("old").hidden = !(part && part.is_old) || tab === "Findings" || tab === "Source";
  if (framed) drawFrame();
  else drawPage(part);
};

const drawPage = part => {
  const {tab, look} = state;
  const ready = tab === "Source" ? state.source : look && (tab === "Findings" || part.good);
  const scrolled = at("panel").scrollTop;
  at("page").replaceChildren(...(ready ? pages[tab]() : [make("p", {class: "empty"}, look ? "There is no good version yet." : "")]));
  at("panel").scrollTop = scrolled;
  const here = tab === "Source" && at("page").querySelector(".here");
  if (here) here.scrollIntoView({block: "center"});
};

const drawFrame = () => {
  const {tab, look, dark, pictures} = state, frame = at("frame");
  const part = tab === "Feed" ? "entry" : "letter";
  const url = `/frame/${part}?path=${encodeURIComponent(look.path)}&dark=${dark}&pictures=${pictures}&version=${look.version}`;
  at("framed").className = tab === "Phone" ? "phone" : "";
  frame.className = dark ? "dark" : "";
  frame.title = `${tab}: ${look.entry.good ? look.entry.good.title : look.path}`;
  if (frame.dataset.url === url) {
    frame.contentDocument.documentElement.style.scrollbarWidth = tab === "Phone" ? "none" : "";
    return;
  }
  const place = `${part} ${look.path}`, stays = frame.dataset.place === place;
  const scrolled = stays && frame.contentWindow ? frame.contentWindow.scrollY : 0;
  frame.onload = () => {
    // A phone has no bar beside the page, which would make it narrower.
    frame.contentDocument.documentElement.style.scrollbarWidth = state.tab === "Phone" ? "none" : "";
    frame.contentWindow.scrollTo(0, scrolled);
    frame.contentDocument.addEventListener("keydown", onKey);
    frame.dataset.loaded = look.version;
  };
  Object.assign(frame.dataset, {url, place});
  // Not `src`: the way back of the browser should not lead through every version.
  frame.contentWindow.location.replace(url);
};

const drawTabs = () => {
  const tabs = at("tabs"), had = tabs.contains(document.activeElement);
  const drawn = TABS.map((name, number) => {
    const isChosen = name === state.tab;
    const count = name === "Findings" && state.findings.length ? make("i", {}, String(state.findings.length)) : null;
    const tab = make("button", {type: "button", role: "tab", id: `tab-${name}`, "aria-selected": isChosen, "aria-controls": "panel",
      tabindex: isChosen ? 0 : -1}, make("kbd", {"aria-hidden": "true"}, String(number + 1)), ` ${name} `, count);
    tab.addEventListener("click", () => turn(name));
    return tab;
  });
  tabs.replaceChildren(...drawn);
  at("panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
  if (had) at(`tab-${state.tab}`).focus();
};

const drawHead = () => {
  const issue = state.issues.find(one => one.path === state.chosen);
  at("title").textContent = issue ? issue.title : state.chosen || "No issue";
  const entry = state.look && state.look.entry.good;
  const facts = [entry ? entry.date : issue && issue.date, entry && entry.authors.join(", "), issue && issue.path];
  const mark = issue && issue.mark ? make("i", {class: `mark ${issue.mark.replace(" ", "-")}`}, issue.mark) : null;
  at("facts").replaceChildren(facts.filter(Boolean).join(" · "), ...(mark ? [mark] : []));
  const problems = [...(state.problems || []), ...(state.look ? state.look.problems : [])];
  at("problems").hidden = !problems.length;
  at("problems").replaceChildren(...problems.map(finding));
};

const turn = tab => {
  if (tab === "Source" && !state.source) {
    if (state.chosen) showSource(state.chosen, 0);
    return;
  }
  state.tab = tab;
  remember();
  draw();
};

const toggle = name => {
  state[name] = !state[name];
  at(name).setAttribute("aria-pressed", state[name]);
  draw();
};

// ---- what the server knows

let newest = 0;

const load = async () => {
  const turnOf = ++newest;
  const isOver = () => turnOf !== newest;
  say("reading", "busy");
  try {
    const headers = state.tag ? {"If-None-Match": state.tag} : {};
    const answer = await fetch("/issues", {headers, cache: "no-store"});
    if (answer.status === 200) {
      const overview = await answer.json();
      if (isOver()) return;
      Object.assign(state, {tag: answer.headers.get("ETag"), issues: overview.issues, problems: overview.problems, title: overview.title});
      at("publication").textContent = overview.title || "Preview";
      document.title = overview.title ? `${overview.title} – preview` : "Preview";
      if (!state.chosen) state.chosen = state.issues.length ? state.issues[0].path : null;
      filter();
      reveal();
    }
    if (state.chosen) await loadIssue(isOver);
    else draw();
    if (!isOver()) say("up to date", "");
  } catch {
    if (!isOver()) say("no connection: is the preview still running?", "lost");
  }
};

const loadIssue = async isOver => {
  const query = `?path=${encodeURIComponent(state.chosen)}`;
  const answer = await fetch(`/issue${query}`);
  const look = answer.ok ? await answer.json() : null;
  if (isOver()) return;
  state.look = look;
  remember();
  draw();
  const found = await (await fetch(`/findings${query}`)).json();
  if (isOver()) return;
  state.findings = found;
  if (state.source) {
    const again = await fetch(`/source?path=${encodeURIComponent(state.source.path)}`);
    if (again.ok) state.source.text = await again.text();
  }
  drawTabs();
  if (state.tab === "Findings" || state.tab === "Source") draw();
};

const say = (words, kind) => {
  at("state").textContent = words;
  at("state").className = kind;
};

// The address keeps what is looked at, so that the browser's own reload changes nothing.
const remember = () => {
  const kept = new URLSearchParams({path: state.chosen || "", tab: state.tab});
  history.replaceState(null, "", `#${kept}`);
};

const recall = () => {
  const kept = new URLSearchParams(location.hash.slice(1));
  state.chosen = kept.get("path") || null;
  const tab = kept.get("tab");
  if (TABS.includes(tab) && tab !== "Source") state.tab = tab;
};

// ---- keys

const onKey = event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === at("filter")) {
    if (event.key === "Escape" || event.key === "Enter") at("list").focus();
    return;
  }
  const inTabs = at("tabs").contains(event.target), number = "1234567".indexOf(event.key);
  const side = {ArrowLeft: -1, ArrowRight: 1}[event.key], up = {j: 1, k: -1}[event.key];
  const arrow = event.target === at("list") ? {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9}[event.key] : undefined;
  if (up || arrow) step(up || arrow);
  else if (event.key.length === 1 && number >= 0) turn(TABS[number]);
  else if (inTabs && side) turn(TABS[(TABS.indexOf(state.tab) + side + TABS.length) % TABS.length]);
  else if (event.key === "d") toggle("dark");
  else if (event.key === "p") toggle("pictures");
  else if (event.key === "/") at("filter").focus();
  else return;
  event.preventDefault();
};

document.addEventListener("keydown", onKey);
at("filter").addEventListener("input", filter);
at("list").addEventListener("scroll", drawList);
addEventListener("resize", drawList);
at("dark").addEventListener("click", () => toggle("dark"));
at("pictures").addEventListener("click", () => toggle("pictures"));

recall();
const changes = new EventSource("/changes");
changes.onmessage = event => { if (event.data !== state.version) { state.version = event.data; load(); } };
changes.onerror = () => { state.version = ""; say("no connection: is the preview still running?", "lost"); };
