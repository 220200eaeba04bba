// SPDX-License-Identifier: GPL-3.0-or-later
// The page of `s2tune explore`: asks the API and shows what it says. It computes no figure itself.

const $ = (id) => document.getElementById(id);

// MARK: state, which the URL holds

const state = {
  workload: "container-churn", host: "graviton3", kernel: "6.1", vmm: "other",
  policy: {}, more: "", set: {}, moreSet: [], observed: [], dump: null, vary: "",
};

function readURL() {
  const query = new URLSearchParams(location.search);
  for (const key of ["workload", "host", "kernel", "vmm", "vary", "more"]) {
    if (query.has(key)) state[key] = query.get(key);
  }
  for (const pair of query.getAll("policy")) {
    const at = pair.indexOf("=");
    if (at > 0) state.policy[pair.slice(0, at)] = pair.slice(at + 1);
  }
  for (const pair of query.getAll("set")) {
    const at = pair.indexOf("=");
    if (at > 0) state.set[pair.slice(0, at)] = pair.slice(at + 1);
  }
  state.moreSet = query.getAll("with");
  const file = (text) => {
    const at = text.indexOf(":");
    return { digest: text.slice(0, at), name: text.slice(at + 1), settings: [] };
  };
  state.observed = query.getAll("file").map(file);
  if (query.has("dump")) state.dump = file(query.get("dump"));
}

function writeURL() {
  const query = new URLSearchParams();
  for (const key of ["workload", "host", "kernel", "vmm", "vary", "more"]) {
    if (state[key]) query.set(key, state[key]);
  }
  for (const [key, value] of Object.entries(state.policy)) query.append("policy", `${key}=${value}`);
  for (const [key, value] of Object.entries(state.set)) query.append("set", `${key}=${value}`);
  for (const pair of state.moreSet) query.append("with", pair);
  for (const file of state.observed) query.append("file", `${file.digest}:${file.name}`);
  if (state.dump) query.set("dump", `${state.dump.digest}:${state.dump.name}`);
  const url = `${location.pathname}?${query}`;
  if (url !== location.pathname + location.search) history.replaceState(null, "", url);
}

function policyText() {
  const pairs = Object.entries(state.policy).map(([key, value]) => `${key}=${value}`);
  const more = state.more.split(",").map((part) => part.trim()).filter(Boolean);
  const named = new Set(more.map((part) => part.split("=")[0]));
  return pairs.filter((pair) => !named.has(pair.split("=")[0])).concat(more).join(",");
}

function questionBody() {
  const body = {
    workload: state.workload, host: state.host, kernel: state.kernel, vmm: state.vmm,
    set: Object.entries(state.set).map(([key, value]) => `${key}=${value}`).concat(state.moreSet),
  };
  if (state.observed.length) {
    body.observed = state.observed.map((file) => ({ digest: file.digest, name: file.name }));
  }
  if (state.dump) body.stage2_dump = { digest: state.dump.digest, name: state.dump.name };
  return body;
}

// MARK: the API

class Problem extends Error {
  constructor(status, sentence, retryAfter) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let token = "";

function readToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  token = sessionStorage.getItem("token") || "";
}

async function ask(path, body, { signal, onProgress } = {}) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  if (onProgress) headers.accept = "application/x-ndjson";
  let answer;
  try {
    answer = await fetch(path, {
      method: body ? "POST" : "GET", headers, signal, body: body && JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "s2tune does not answer; is `s2tune explore` still running?");
  }
  if (!answer.ok) throw await problem(answer);
  if (!onProgress) return answer.json();
  return readLines(answer, onProgress);
}

async function problem(answer) {
  let sentence = `the answer is ${answer.status}`;
  try { sentence = (await answer.json()).error.sentence; } catch { /* no JSON: the status is all there is */ }
  $("token-section").hidden = answer.status !== 401 && $("token-section").hidden;
  return new Problem(answer.status, sentence, Number(answer.headers.get("retry-after")) || 0);
}

async function readLines(answer, onProgress) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Problem(0, "the answer ended early; ask again");
    text += value;
    let end;
    while ((end = text.indexOf("\n")) >= 0) {
      const line = JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
      if (line.progress) onProgress(line.progress);
      if (line.error) throw new Problem(line.error.status, line.error.sentence);
      if (line.result) return line.result;
    }
  }
}

// One request of a kind at a time; of those that come meanwhile only the last is sent.
function latest(work) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) { again = true; return; }
    running = true;
    try {
      do {
        again = false;
        await work(() => again);
      } while (again);
    } finally { running = false; }
  };
}

// MARK: words

const titles = {
  teardown_time_ns: "teardown", stage2_time_ns: "stage 2", longest_hold_ns: "longest hold",
  write_protect_total_ns: "write-protect", write_protect_call_p99_ns: "write-protect p99",
  worst_vcpu_stall_ns: "worst vCPU stall", goodput_retained_share: "TCP keeps",
  request_p99_ns: "requests p99", iops_retained_share: "storage keeps",
  connects_failed_count: "failed connects", migration_time_ns: "migration",
  downtime_ns: "downtime", guest_lost_share: "guest loses",
};
const metrics = {
  "io.goodput": "goodput_retained_share", "request.p99": "request_p99_ns",
  "storage.iops": "iops_retained_share", "connects.failed": "connects_failed_count",
  "teardown.time": "teardown_time_ns", "hold.max": "longest_hold_ns", "wp.total": "write_protect_total_ns",
  "wp.p99": "write_protect_call_p99_ns", "wp.stall": "worst_vcpu_stall_ns",
  "migration.time": "migration_time_ns", "migration.downtime": "downtime_ns", "guest.lost": "guest_lost_share",
};

function figure(response, value) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
  const number = Number(value);
  if (response.endsWith("_ns")) return time(number);
  if (response.endsWith("_share")) return `${digits(100 * number)} %`;
  return number < 0.005 ? "0" : digits(number);
}

function digits(number) {
  if (number === 0) return "0";
  const text = Number(number.toPrecision(3));
  return Math.abs(text) >= 1e6 ? text.toExponential() : String(text);
}

function time(ns) {
  if (Math.abs(ns) < 0.5) return "0";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (Math.abs(ns) >= size * 0.9995) return `${digits(ns / size)} ${unit}`;
  }
  return `${digits(ns)} ns`;
}

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function say(sentence) { $("status").textContent = sentence; }

let sayLater;
function sayWhenQuiet(sentence) {
  clearTimeout(sayLater);
  sayLater = setTimeout(() => say(sentence), 700);
}

// MARK: controls

let profiles = [];
let question = null;

function fillSelects() {
  for (const kind of ["workload", "host", "kernel"]) {
    const names = profiles.filter((one) => one.kind === kind);
    const known = names.some((one) => one.name === state[kind]);
    const options = names.map((one) => make("option", { value: one.name }, one.name));
    if (!known) options.unshift(make("option", { value: state[kind] }, state[kind]));
    $(kind).replaceChildren(...options);
    $(kind).value = state[kind];
  }
  $("vmm").value = state.vmm;
  const summary = profiles.find((one) => one.kind === "workload" && one.name === state.workload);
  $("workload-summary").textContent = summary ? summary.summary : "";
}

const ordered = new Set(["chunk", "slice", "pause", "split", "clear"]);

function control(kind, one, chosen, choose) {
  const id = `${kind}-${one.key}`;
  const values = one.values.map((value) => (typeof value === "string" ? { value } : value));
  for (const text of [one.present, chosen].filter(Boolean)) {
    const equal = values.find((value) => same(value.value, text));
    if (equal) equal.value = text; else place(values, text);
  }
  const hint = one.refused || one.unread || one.summary;
  if (kind === "knob" && !ordered.has(one.key)) return choice(id, one, values, chosen, choose, hint);
  const index = () => Math.max(0, values.findIndex((value) => value.value === (chosen || one.present)));
  const range = make("input", {
    id, type: "range", min: 0, max: values.length - 1, step: 1, value: index(),
    "aria-describedby": `${id}-hint`, disabled: Boolean(one.refused),
  });
  const output = make("output", { for: id });
  const row = make(
    "div", { class: "slider", "data-key": one.key }, make("label", { for: id }, one.key), output, range,
    make("span", { class: "hint", id: `${id}-hint` }, hint),
  );
  const show = () => {
    const value = values[Number(range.value)].value;
    const isNow = same(value, one.present);
    output.textContent = value + (isNow ? (kind === "knob" ? " (now)" : " (profile)") : "");
    range.setAttribute("aria-valuetext", output.textContent);
    row.classList.toggle("turned", !isNow);
    return isNow ? null : value;
  };
  show();
  range.addEventListener("input", () => choose(one.key, show()));
  return row;
}

function choice(id, one, values, chosen, choose, hint) {
  const select = make("select", { id, "aria-describedby": `${id}-hint`, disabled: Boolean(one.refused) });
  for (const value of values) {
    const isNow = value.value === one.present;
    const option = make(
      "option", { value: value.value, disabled: Boolean(value.refused) && !isNow, title: value.refused },
      value.value + (isNow ? " (now)" : ""),
    );
    select.append(option);
  }
  select.value = chosen || one.present;
  const row = make(
    "div", { class: "slider", "data-key": one.key }, make("label", { for: id }, one.key), make("span"), select,
    make("span", { class: "hint", id: `${id}-hint` }, hint),
  );
  row.classList.toggle("turned", select.value !== one.present);
  select.addEventListener("change", () => {
    row.classList.toggle("turned", select.value !== one.present);
    choose(one.key, select.value === one.present ? null : select.value);
  });
  return row;
}

const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, B: 1, s: 1e9, ms: 1e6, us: 1e3, ns: 1,
  "bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9 };

function magnitude(text) {
  const match = /^([0-9.]+)\s*([A-Za-z/]*)$/.exec(text);
  if (!match || (match[2] && !(match[2] in units))) return null;
  return Number(match[1]) * (units[match[2]] || 1);
}

function same(first, second) {
  if (first === second) return true;
  const [one, other] = [magnitude(first), magnitude(second)];
  return one !== null && one === other;
}

// Puts a value among others: by size, and words at the end.
function place(values, text) {
  const size = magnitude(text);
  const at = size === null ? -1 : values.findIndex((value) => (magnitude(value.value) ?? Infinity) > size);
  values.splice(at < 0 ? values.length : at, 0, { value: text });
}

function showQuestion() {
  $("heading").textContent = question.heading;
  $("settings").replaceChildren(
    ...question.settings.map((one) => control("setting", one, state.set[one.key] || one.value, chooseSetting)),
  );
  const used = question.knobs.filter((one) => !one.refused || /told/.test(one.refused));
  const knobs = (name) => used.filter((one) => one.class === name)
    .map((one) => control("knob", one, state.policy[one.key], chooseKnob));
  const today = knobs("today");
  $("today").replaceChildren(...today);
  $("today-title").hidden = today.length === 0;
  const kernel = knobs("kernel");
  $("kernel-knobs").replaceChildren(...kernel);
  $("kernel-title").hidden = kernel.length === 0;
  $("unread").replaceChildren(...question.unread.map((text) => make("li", {}, text)));
  const keys = used.filter((one) => ordered.has(one.key) && !one.refused).map((one) => one.key)
    .concat(question.settings.filter((one) => !one.unread).map((one) => one.key));
  if (!keys.includes(state.vary)) state.vary = keys.includes("chunk") ? "chunk" : keys[0] || "";
  $("vary").replaceChildren(...keys.map((key) => make("option", { value: key }, key)));
  $("vary").value = state.vary;
  $("more-policy").value = state.more;
  $("more-settings").value = state.moreSet.join("\n");
}

function chooseKnob(key, value) {
  if (value === null) delete state.policy[key]; else state.policy[key] = value;
  if (ordered.has(key)) setVary(key);
  moved();
}

function chooseSetting(key, value) {
  const own = question.settings.find((one) => one.key === key);
  // A file may say otherwise than the profile: then what the profile says is a choice as well.
  if (value === null && !state.observed.length) delete state.set[key];
  else state.set[key] = value === null ? own.present : value;
  own.value = value === null ? own.present : value;
  moved();
  refreshLater();
}

function setVary(key) {
  if ([...$("vary").options].some((option) => option.value === key)) {
    state.vary = key;
    $("vary").value = key;
  }
}

function moved() {
  truth = null;
  writeURL();
  predict();
}

// A setting changes what the host does now and what is legal; not while it is dragged.
let refreshTimer;
function refreshLater() {
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => refreshQuestion({ keepsSettings: true }), 400);
}

// MARK: questions and answers

let answer = null;
let truth = null;
let curve = null;
let front = null;

const refreshQuestion = async ({ keepsSettings = false } = {}) => {
  fillSelects();
  try {
    const found = await ask("/api/v1/question", questionBody());
    const focused = document.activeElement && document.activeElement.id;
    if (keepsSettings && question) {
      // The sliders under the hand stay as they are.
      found.settings = question.settings;
    }
    question = found;
    showQuestion();
    if (focused && $(focused)) $(focused).focus({ preventScroll: true });
  } catch (error) { return complain(error); }
  writeURL();
  return predict();
};

const predict = latest(async (isStale) => {
  const body = questionBody();
  const policy = policyText();
  if (policy) body.policy = [policy];
  Object.assign(body, { explain: true, words: true, runs: "never" });
  const began = performance.now();
  try {
    const found = await ask("/api/v1/predict", body);
    if (isStale()) { /* shown all the same: it is newer than what stands there */ }
    answer = found;
    calm();
    showAnswer();
    document.documentElement.dataset.moveMs = (performance.now() - began).toFixed(1);
  } catch (error) {
    if (error.status === 409) unreached(error); else complain(error);
  }
  if (!isStale()) sweep();
});

const sweep = latest(async () => {
  if (!state.vary || !question || !answer) return showCurve(null);
  const one = question.knobs.concat(question.settings).find((knob) => knob.key === state.vary);
  if (!one) return showCurve(null);
  const values = one.values.map((value) => (typeof value === "string" ? { value } : value))
    .filter((value) => !value.refused).map((value) => value.value);
  const body = questionBody();
  const policy = policyText();
  if (policy) body.policy = [policy];
  Object.assign(body, { vary: `${state.vary}=${values.join(",")}`, runs: "never" });
  try {
    curve = (await ask("/api/v1/predict", body)).what_if;
    showCurve(curve);
  } catch (error) {
    curve = null;
    showCurve(null, error.message);
  }
  return undefined;
});

function point() { return answer && answer.what_if.points[0]; }

function complain(error) {
  if (error.name === "AbortError") return;
  $("problem").hidden = false;
  $("problem").textContent = error.message;
  for (const id of ["figures", "verdict", "safety"]) $(id).classList.add("stale");
  $("simulate").disabled = true;
}

function calm() {
  $("problem").hidden = true;
  for (const id of ["figures", "verdict", "safety"]) $(id).classList.remove("stale");
  $("simulate").disabled = working !== null;
}

// The model does not reach: nothing is shown that it does not know, and a run can still tell.
function unreached(error) {
  answer = null;
  calm();
  $("verdict").textContent = "No prediction here; simulate it to know";
  $("verdict").className = "verdict";
  $("safety").textContent = error.message.replace(/; simulate it, or write.*$/, "");
  $("safety").className = "";
  $("policy-text").textContent = policyText() || (question ? question.present : "");
  $("figures").querySelector("tbody").replaceChildren();
  showWords([]);
  $("glance").textContent = "no prediction here: simulate it";
  showCurve(null);
  showCommand();
  sayWhenQuiet($("verdict").textContent);
}

// MARK: showing figures

function limitsOf(response) {
  const { limits } = answer.what_if;
  return limits.map((text) => {
    const match = /^([a-z0-9.]+)(<=|>=)(.+)$/.exec(text);
    return match && metrics[match[1]] === response ? { text, sign: match[2], value: match[3] } : null;
  }).filter(Boolean);
}

function limitValue(limit, response) {
  const text = limit.value.trim();
  if (text.endsWith("x")) return null;
  if (text.endsWith("%")) return parseFloat(text) / 100;
  const match = /^([0-9.]+)(ns|us|ms|s)$/.exec(text);
  if (match) return Number(match[1]) * units[match[2]];
  return response.endsWith("_ns") ? null : Number(text);
}

function known(effect) { return effect && (effect.simulated || effect.predicted); }

function cell(response, effect) {
  const value = known(effect);
  if (!value) return make("td", {}, "–");
  const text = (effect.simulated ? "" : "~") + figure(response, value.value);
  const range = figure(response, value.low) === figure(response, value.high)
    ? "" : `${figure(response, value.low)} to ${figure(response, value.high)}`;
  return make("td", {}, text, range ? make("span", { class: "range" }, range) : "");
}

function showAnswer() {
  const { what_if: whatIf, words } = answer;
  const [now, asked] = [whatIf.present, whatIf.points[0]];
  const rows = asked.effects.flatMap((effect) => {
    const { response } = effect;
    const limits = limitsOf(response);
    const broken = asked.violations.find((miss) => miss.response === response);
    const before = now.effects.find((one) => one.response === response);
    const head = make("th", { scope: "row" }, titles[response] || response);
    for (const limit of limits) {
      const relation = `${limit.sign === "<=" ? "at most" : "at least"} ${limit.value}`;
      head.append(make("span", { class: "limit" }, broken ? `✗ ${relation}: broken` : `✓ ${relation}: kept`));
    }
    const run = truth && truth.find((one) => one.response === response);
    const last = make("td", {}, run ? figure(response, run.value) : "–");
    const prediction = known(effect);
    if (run && prediction) {
      const inside = run.value >= prediction.low && run.value <= prediction.high;
      last.append(make("span", { class: "range" }, inside ? "inside" : "outside the interval"));
    }
    const bar = make("td", { colspan: 4 }, bars(response, before, effect, run, limits));
    return [make("tr", {}, head, cell(response, before), cell(response, effect), last),
      make("tr", { class: "bar" }, bar)];
  });
  $("figures").querySelector("tbody").replaceChildren(...rows);
  showVerdict(now, asked);
  showWords(words || []);
  showCommand();
}

function scale(response, values) {
  const finite = values.filter((value) => Number.isFinite(value));
  if (response.endsWith("_share")) return { low: 0, high: 1, at: (value) => Math.min(1, Math.max(0, value)) };
  const positive = finite.filter((value) => value > 0);
  if (response.endsWith("_ns") && positive.length) {
    const [low, high] = [Math.log10(Math.min(...positive)) - 0.1, Math.log10(Math.max(...positive)) + 0.1];
    return { low: 10 ** low, high: 10 ** high,
      at: (value) => (value > 0 ? Math.min(1, Math.max(0, (Math.log10(value) - low) / (high - low))) : 0) };
  }
  const high = Math.max(1, ...finite) * 1.1;
  return { low: 0, high, at: (value) => Math.min(1, Math.max(0, value / high)) };
}

function bars(response, before, asked, run, limits) {
  const [width, height, margin] = [600, 44, 8];
  const values = [known(before), known(asked)].filter(Boolean)
    .flatMap((value) => [value.value, value.low, value.high]);
  if (run) values.push(run.value);
  const bounds = limits.map((limit) => limitValue(limit, response)).filter((value) => value !== null);
  const axis = scale(response, values.concat(bounds));
  const x = (value) => margin + axis.at(value) * (width - 2 * margin);
  const label = [["now", known(before)], ["asked", known(asked)]].filter(([, value]) => value)
    .map(([name, value]) => `${name} ${figure(response, value.value)}, from ${figure(response, value.low)} to `
      + figure(response, value.high)).join("; ");
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${titles[response]}: ${label}${run ? `; simulated ${figure(response, run.value)}` : ""}`,
  });
  picture.append(svg("path", { class: "axis", d: `M${margin} 22H${width - margin}` }));
  for (const bound of bounds) picture.append(svg("path", { class: "mark-limit", d: `M${x(bound)} 2V42` }));
  const draw = (name, value, y) => {
    if (!value) return;
    const [from, to] = [x(value.low), x(value.high)];
    picture.append(svg("path", { class: `interval ${name}`, d: `M${from} ${y}H${Math.max(to, from + 1)}` }));
    const center = x(value.value);
    picture.append(name === "now"
      ? svg("circle", { class: "mark-now", cx: center, cy: y, r: 5 })
      : svg("rect", { class: "mark-asked", x: center - 5, y: y - 5, width: 10, height: 10 }));
  };
  draw("now", known(before), 12);
  draw("asked", known(asked), 32);
  if (run) {
    const center = x(run.value);
    picture.append(svg("path", { class: "mark-truth", d: `M${center} 24l7 8-7 8-7-8z` }));
  }
  return picture;
}

function showVerdict(now, asked) {
  const objective = metrics[answer.what_if.objective];
  const [mine, other] = [asked, now].map((one) => known(one.effects.find((e) => e.response === objective)));
  const kept = asked.violations.length === 0;
  const parts = [];
  if (mine) parts.push(`${titles[objective]} ${figure(objective, mine.value)}`);
  if (mine && other && asked.policy !== now.policy && other.value > 0) {
    const change = mine.value / other.value - 1;
    if (Math.abs(change) >= 0.005) parts.push(`${digits(Math.abs(100 * change))} % ${change < 0 ? "less" : "more"} than now`);
    else parts.push("as now");
  }
  if (!asked.safety.safe) parts.push("✗ can leave a stale translation");
  parts.push(kept ? "✓ keeps the limits" : `✗ breaks ${asked.violations.map((miss) => miss.limit).join(", ")}`);
  $("verdict").textContent = parts.join("; ");
  $("verdict").className = `verdict ${kept && asked.safety.safe ? "good" : "bad"}`;
  const reason = asked.safety.sentence.replace(/^(un)?safe: /, "");
  $("safety").textContent = `${asked.safety.safe ? "✓ Safe" : "✗ Not safe"}: ${reason}`;
  $("safety").className = asked.safety.safe ? "" : "bad";
  $("policy-text").textContent = asked.policy;
  $("glance").textContent = parts.join(" · ");
  sayWhenQuiet($("verdict").textContent);
}

function showWords(words) {
  $("why").hidden = words.length === 0;
  const order = ["what happens", "made of", "idle", "limits", "samples", "tested", "basis"];
  const parts = order.flatMap((label) => words.filter((one) => one.label === label));
  $("words").replaceChildren(...parts.flatMap((one) => [
    make("dt", {}, one.label), make("dd", {}, ...one.sentences.map((sentence) => make("p", {}, sentence))),
  ]));
}

function quoted(text) { return /^[\w.=/:,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`; }

function showCommand() {
  const body = questionBody();
  const words = ["s2tune what-if", "--workload", quoted(state.workload), "--host", quoted(state.host), "--kernel",
    quoted(state.kernel)];
  if (state.vmm !== "other") words.push("--vmm", state.vmm);
  for (const one of body.set) words.push("--set", quoted(one));
  for (const one of state.observed) words.push("--observed", quoted(one.name));
  if (state.dump) words.push("--stage2-dump", quoted(state.dump.name));
  if (policyText()) words.push("--policy", quoted(policyText()));
  $("command").textContent = words.join(" ");
}

// MARK: curves

function showCurve(whatIf, reason) {
  $("curve-key").textContent = state.vary || "a knob";
  if (!whatIf) {
    $("curves").replaceChildren(make("p", { class: "note" }, reason || "No curve here."));
    $("flips").replaceChildren();
    return;
  }
  const objective = metrics[whatIf.objective];
  const bounded = whatIf.limits.map((text) => metrics[/^[a-z0-9.]+/.exec(text)[0]])
    .find((response) => response && response !== objective
      && whatIf.points.some((one) => one.effects.some((effect) => effect.response === response)));
  const shown = [objective, bounded].filter(Boolean);
  $("curves").replaceChildren(...shown.map((response) => plot(whatIf, response)));
  $("flips").replaceChildren(...whatIf.flips.map((flip) => make("li", {}, `${flip.from}: ${flip.sentence}`)));
}

function ticks(axis, response) {
  return [0, 0.5, 1].map((share) => {
    const value = response.endsWith("_ns")
      ? 10 ** (Math.log10(axis.low) + share * (Math.log10(axis.high) - Math.log10(axis.low)))
      : axis.low + share * (axis.high - axis.low);
    return { share, text: figure(response, value) };
  });
}

function plot(whatIf, response) {
  const [width, height, left, right, top, bottom] = [640, 220, 74, 14, 14, 34];
  const points = whatIf.points.map((one) => ({
    value: known(one.effects.find((effect) => effect.response === response)),
    text: one.label.slice(one.label.indexOf("=") + 1), safe: one.safety.safe,
    kept: one.violations.length === 0,
  })).filter((one) => one.value);
  if (points.length < 2) return make("p", { class: "note" }, `No curve of ${titles[response]}.`);
  const axis = scale(response, points.flatMap((one) => [one.value.low, one.value.high]));
  const x = (place) => left + place * (width - left - right) / (points.length - 1);
  const y = (value) => height - bottom - axis.at(value) * (height - top - bottom);
  const first = points[0];
  const last = points[points.length - 1];
  const picture = svg("svg", {
    class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${titles[response]} over ${whatIf.swept}: ${points.map((one) => `${one.text} `
      + figure(response, one.value.value)).join(", ")}`,
  });
  for (const tick of ticks(axis, response)) {
    const level = height - bottom - tick.share * (height - top - bottom);
    picture.append(svg("path", { class: "axis", d: `M${left} ${level}H${width - right}` }));
    picture.append(svg("text", { class: "axis-text", x: left - 8, y: level + 4, "text-anchor": "end" }, tick.text));
  }
  const upper = points.map((one, place) => `${x(place)} ${y(one.value.high)}`);
  const lower = points.map((one, place) => `${x(place)} ${y(one.value.low)}`).reverse();
  picture.append(svg("path", { class: "band", d: `M${upper.concat(lower).join("L")}Z` }));
  picture.append(svg("path", {
    class: "curve", d: `M${points.map((one, place) => `${x(place)} ${y(one.value.value)}`).join("L")}`,
  }));
  const step = Math.ceil(points.length / 6);
  points.forEach((one, place) => {
    if (place % step === 0 || place === points.length - 1) {
      if (place !== points.length - 1 && points.length - 1 - place < step) return;
      const anchor = place === 0 ? "start" : place === points.length - 1 ? "end" : "middle";
      picture.append(svg("text", {
        class: "axis-text", x: x(place), y: height - 10, "text-anchor": anchor,
      }, one.text));
    }
    picture.append(one.kept && one.safe
      ? svg("rect", { class: "mark-asked", x: x(place) - 3, y: y(one.value.value) - 3, width: 6, height: 6 })
      : cross(x(place), y(one.value.value)));
  });
  const chosen = current(whatIf.swept);
  const at = points.findIndex((one) => same(one.text, chosen));
  if (at >= 0) {
    picture.append(svg("path", { class: "mark-limit", d: `M${x(at)} ${top}V${height - bottom}` }));
    const run = truth && truth.find((one) => one.response === response);
    if (run) {
      const level = y(run.value);
      picture.append(svg("path", { class: "mark-truth", d: `M${x(at)} ${level - 8}l7 8-7 8-7-8z` }));
    }
  }
  const caption = `${titles[response]}: ${figure(response, first.value.value)} at ${first.text}, `
    + `${figure(response, last.value.value)} at ${last.text}. ■ keeps the limits, × breaks one or is not safe, `
    + "dashed: what is asked";
  return make("figure", {}, picture, make("figcaption", {}, caption));
}

function cross(x, y) {
  const mark = svg("path", { d: `M${x - 4} ${y - 4}l8 8m-8 0l8-8` });
  mark.setAttribute("class", "cross");
  return mark;
}

function current(key) {
  if (key in state.policy) return state.policy[key];
  const one = question.knobs.concat(question.settings).find((knob) => knob.key === key);
  return one ? one.value || one.present : "";
}

// MARK: long work

let working = null;

async function work(name, body) {
  if (working) return;
  working = new AbortController();
  const buttons = ["simulate", "recommend"];
  for (const id of buttons) $(id).disabled = true;
  $("cancel").hidden = false;
  $("work").hidden = false;
  $("progress-label").textContent = name;
  $("progress").removeAttribute("value");
  say(name);
  const tell = (label) => (progress) => {
    $("progress").max = progress.of;
    $("progress").value = Math.min(progress.done, progress.of);
    $("progress-label").textContent = progress.of === 1000
      ? `${label}: ${Math.round(progress.done / 10)} %` : `${label}: ${progress.done} of at most ${progress.of} runs`;
  };
  try {
    await body(working.signal, tell);
    $("problem").hidden = true;
  } catch (error) {
    if (error.name === "AbortError") say("Cancelled.");
    else {
      $("problem").hidden = false;
      $("problem").textContent = error.message;
    }
  } finally {
    working = null;
    for (const id of buttons) $(id).disabled = false;
    $("cancel").hidden = true;
    $("work").hidden = true;
  }
}

function simulate() {
  return work("Simulating", async (signal, tell) => {
    const body = questionBody();
    delete body.vmm;
    // The whole text: a run starts from the kernel's own policy and not from the VMM's.
    body.policy = point() ? point().policy : policyText();
    body.responses = true;
    const asked = JSON.stringify([questionBody(), policyText()]);
    const report = await ask("/api/v1/simulate", body, { signal, onProgress: tell("Simulating") });
    if (JSON.stringify([questionBody(), policyText()]) !== asked) return;
    truth = report.responses;
    if (answer) {
      showAnswer();
      if (curve) showCurve(curve);
    } else showRun();
    clearTimeout(sayLater);
    say(`Simulated: ${truth.map((one) => `${titles[one.response]} ${figure(one.response, one.value)}`).join(", ")}`);
  });
}

// A run without a prediction to lay it over.
function showRun() {
  $("figures").querySelector("tbody").replaceChildren(...truth.map((one) => make(
    "tr", {}, make("th", { scope: "row" }, titles[one.response]), make("td", {}, "–"), make("td", {}, "–"),
    make("td", {}, figure(one.response, one.value)),
  )));
}

function recommend() {
  return work("Looking for the best policy", async (signal, tell) => {
    const found = await ask(
      "/api/v1/recommend", questionBody(), { signal, onProgress: tell("Looking for the best policy") },
    );
    showRecommendation(found.recommendation);
    const body = Object.assign(questionBody(), { budget: 96 });
    front = (await ask("/api/v1/pareto", body, { signal, onProgress: tell("Looking for the front") })).front;
    showFront(front, found.recommendation);
    say("The recommendation and the front are there.");
  });
}

function showRecommendation(found) {
  const best = found.rows.find((row) => row.recommended) || found.nearest || found.rows[0];
  const verdict = { change: "Change to", keep: "Keep what is now:", "none-feasible": "No policy keeps the limits; nearest is" };
  const use = make("button", { type: "button", id: "use" }, "Try this policy");
  use.addEventListener("click", () => usePolicy(best.policy));
  const table = make("table", {}, make("caption", {}, "From whole runs"), make("thead", {}, make(
    "tr", {}, make("th", { scope: "col" }, "measure"), ...found.rows.map((row) => make(
      "th", { scope: "col" }, row.recommended ? `★ ${row.role}` : row.role,
    )),
  )));
  const responses = found.rows[0].effects.map((effect) => effect.response);
  table.append(make("tbody", {}, ...responses.map((response) => make(
    "tr", {}, make("th", { scope: "row" }, titles[response]),
    ...found.rows.map((row) => cell(response, row.effects.find((effect) => effect.response === response))),
  ))));
  const list = (title, texts) => (texts.length
    ? [make("h3", {}, title), make("ul", {}, ...texts.map((text) => make("li", {}, text)))] : []);
  $("recommendation-body").replaceChildren(
    make("p", { class: "verdict" }, `${verdict[found.verdict]} `, make("code", {}, best.policy)), use, table,
    ...list("Why", found.why), ...list("Cost", found.cost),
    ...list("Apply", found.apply.map((step) => `${step.place}: ${step.text}`)),
    make("div", { id: "front" }),
  );
  $("recommendation").hidden = false;
  $("recommendation").scrollIntoView({ block: "nearest" });
}

function usePolicy(text) {
  state.policy = {};
  state.more = "";
  for (const pair of text.split(",")) {
    const at = pair.indexOf("=");
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const knob = question.knobs.find((one) => one.key === key);
    if (knob && !same(knob.present, value)) state.policy[key] = value;
  }
  truth = null;
  showQuestion();
  moved();
}

function showFront(found, recommendation) {
  const [first, second] = found.objectives;
  if (!second || !found.points.length) return;
  const best = recommendation.rows.find((row) => row.recommended);
  const now = recommendation.rows.find((row) => row.role === "now");
  const value = (row, response) => {
    const one = row && known(row.effects.find((effect) => effect.response === response));
    return one ? one.value : null;
  };
  const marks = found.points.map((one) => ({ kind: "front", x: one.values[0], y: one.values[1], knee: one.knee }));
  for (const [kind, row] of [["now", now], ["best", best], ["asked", point()]]) {
    const [x, y] = [value(row, first), value(row, second)];
    if (x !== null && y !== null) marks.push({ kind, x, y });
  }
  const [width, height, left, right, top, bottom] = [640, 280, 74, 20, 16, 42];
  const [across, up] = [scale(first, marks.map((one) => one.x)), scale(second, marks.map((one) => one.y))];
  const x = (one) => left + across.at(one.x) * (width - left - right);
  const y = (one) => height - bottom - up.at(one.y) * (height - top - bottom);
  const picture = svg("svg", {
    class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `${found.points.length} policies of which none beats another: `
      + found.points.map((one) => `${figure(first, one.values[0])}, ${figure(second, one.values[1])}`).join("; "),
  });
  for (const tick of ticks(up, second)) {
    const level = height - bottom - tick.share * (height - top - bottom);
    picture.append(svg("path", { class: "axis", d: `M${left} ${level}H${width - right}` }));
    picture.append(svg("text", { class: "axis-text", x: left - 8, y: level + 4, "text-anchor": "end" }, tick.text));
  }
  for (const tick of ticks(across, first)) {
    const place = left + tick.share * (width - left - right);
    const anchor = tick.share === 0 ? "start" : tick.share === 1 ? "end" : "middle";
    picture.append(svg("text", { class: "axis-text", x: place, y: height - 22, "text-anchor": anchor }, tick.text));
  }
  picture.append(svg("text", { class: "axis-text", x: (left + width) / 2, y: height - 5, "text-anchor": "middle" },
    `${titles[first]} across, ${titles[second]} up`));
  for (const one of marks) {
    const [at, level] = [x(one), y(one)];
    const shapes = {
      front: () => svg("circle", { class: "mark-front", cx: at, cy: level, r: one.knee ? 7 : 4 }),
      now: () => svg("circle", { class: "mark-now", cx: at, cy: level, r: 5 }),
      asked: () => svg("rect", { class: "mark-asked", x: at - 5, y: level - 5, width: 10, height: 10 }),
      best: () => svg("path", { class: "mark-truth", d: `M${at} ${level - 9}l8 9-8 9-8-9z` }),
    };
    picture.append(shapes[one.kind]());
  }
  $("front").replaceChildren(make("h3", {}, "The front"), make(
    "figure", {}, picture,
    make("figcaption", {}, "small circles: the front, the large one its knee; diamond: recommended; square: asked; grey circle: now"),
  ));
}

// MARK: files

async function takeFiles(files) {
  for (const file of files) {
    try {
      if (file.size > 8e6) throw new Problem(413, `${file.name} has ${file.size} bytes; at most 8 MB are taken`);
      const found = await ask("/api/v1/read", { name: file.name, text: await file.text() });
      const one = { digest: found.digest, name: file.name, settings: found.settings, title: found.title };
      if (found.is_dump) state.dump = one;
      else state.observed = state.observed.filter((other) => other.digest !== one.digest).concat(one);
      say(`${file.name} is ${found.title}; it sets ${found.settings.join(", ") || "nothing"}`);
    } catch (error) {
      showFiles();
      return complain(error);
    }
  }
  showFiles();
  truth = null;
  return refreshQuestion();
}

function showFiles() {
  const entries = state.observed.map((file) => ({ file, kind: "observed" }));
  if (state.dump) entries.push({ file: state.dump, kind: "dump" });
  $("files").replaceChildren(...entries.map(({ file, kind }) => {
    const drop = make("button", { type: "button", "aria-label": `Leave ${file.name} out` }, "Leave out");
    drop.addEventListener("click", () => {
      if (kind === "dump") state.dump = null;
      else state.observed = state.observed.filter((one) => one !== file);
      showFiles();
      truth = null;
      refreshQuestion();
    });
    const text = kind === "dump" ? `${file.name}: the guest's mix of leaves`
      : `${file.name}: ${file.settings.join(", ") || file.title || "from before"}`;
    return make("li", {}, make("span", {}, text), drop);
  }));
}

// MARK: start

function listen() {
  for (const id of ["workload", "host", "kernel", "vmm"]) {
    $(id).addEventListener("change", () => {
      state[id] = $(id).value;
      state.policy = {};
      state.more = "";
      if (id === "workload") state.set = {};
      truth = null;
      $("recommendation").hidden = true;
      refreshQuestion();
    });
  }
  $("vary").addEventListener("change", () => {
    state.vary = $("vary").value;
    writeURL();
    sweep();
  });
  $("more-policy").addEventListener("change", () => { state.more = $("more-policy").value.trim(); moved(); });
  $("more-settings").addEventListener("change", () => {
    state.moreSet = $("more-settings").value.split("\n").map((line) => line.trim()).filter(Boolean);
    truth = null;
    refreshQuestion();
  });
  $("reset").addEventListener("click", () => {
    state.policy = {};
    state.more = "";
    truth = null;
    showQuestion();
    moved();
  });
  $("simulate").addEventListener("click", simulate);
  $("recommend").addEventListener("click", recommend);
  $("cancel").addEventListener("click", () => working && working.abort());
  $("token-send").addEventListener("click", () => {
    sessionStorage.setItem("token", $("token").value);
    token = $("token").value;
    $("token-section").hidden = true;
    start();
  });
  $("question").addEventListener("submit", (event) => event.preventDefault());
  $("file").addEventListener("change", () => takeFiles([...$("file").files]));
  // A file that misses the place would otherwise be opened instead of the page.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      $("drop").classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer) takeFiles([...event.dataTransfer.files]);
    });
  }
  document.addEventListener("dragleave", () => $("drop").classList.remove("over"));
}

async function start() {
  try {
    profiles = (await ask("/api/v1/profiles")).profiles;
    $("problem").hidden = true;
  } catch (error) { return complain(error); }
  showFiles();
  return refreshQuestion();
}

readURL();
readToken();
listen();
start();
