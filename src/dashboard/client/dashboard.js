// The page's only script: keeps the numbers current, puts times into the reader's zone, says when the server is away.
// Everything it shows was made, and escaped, by the server; without it the pages work and stand still.
/** The server's clock minus this one's, in milliseconds. */
let clockOffset = 0;
const shown = new Map();
/** The newest markup of parts of which somebody is using something. */
const waiting = new Map();

function replace(id, markup) {
  const element = document.getElementById(id);
  if (element === null || shown.get(id) === markup) return;
  const used = [...element.children].find((child) => child.contains(document.activeElement));
  if (used === undefined) {
    waiting.delete(id);
    shown.set(id, markup);
    element.innerHTML = markup;
  } else {
    waiting.set(id, markup);
    shown.delete(id);
    replaceAround(used, markup);
  }
  localTimes(element);
}

/** Focus, and a click that has begun, stay: what is used waits until it is left, all beside it is new. */
function replaceAround(used, markup) {
  const template = document.createElement('template');
  template.innerHTML = markup;
  const fresh = [...template.content.childNodes];
  const kind = (node) => `${node.nodeName} ${node.getAttribute?.('class')}`;
  const twin = fresh.findIndex((node) => kind(node) === kind(used));
  const end = twin < 0 ? fresh.length : twin;
  for (const node of [...used.parentNode.childNodes]) if (node !== used) node.remove();
  used.before(...fresh.slice(0, end));
  used.after(...fresh.slice(end + 1));
}

function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime);
    const clock = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = today ? clock : `${at.toLocaleDateString()} ${clock}`;
  }
}

/** The same words as the server's. */
function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value) => String(value).padStart(2, '0');
  if (whole >= 86400)
    return `${Math.floor(whole / 86400)}\u00a0d ${two(Math.floor((whole % 86400) / 3600))}\u00a0h`;
  if (whole >= 3600)
    return `${Math.floor(whole / 3600)}\u00a0h ${two(Math.floor((whole % 3600) / 60))}\u00a0min`;
  return whole >= 60 ? `${Math.floor(whole / 60)}\u00a0min ${two(whole % 60)}\u00a0s` : `${whole}\u00a0s`;
}

function countOn() {
  const now = Date.now() + clockOffset;
  for (const element of document.querySelectorAll('.ago[data-since]')) {
    const text = duration((now - Number(element.dataset.since)) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Fetches the page again and takes its table over, when it changed and nobody is in the middle of it. */
let fetching = false;
async function refreshTable(version) {
  const table = document.querySelector('[data-live-table]');
  if (table === null || fetching || version === table.dataset.liveTable) return;
  fetching = true;
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const fresh = page.querySelector('[data-live-table]');
    const busy = table.contains(document.activeElement) && document.activeElement !== document.body;
    if (fresh === null || busy) return;
    const scroller = table.querySelector('.scroll');
    const left = scroller?.scrollLeft ?? 0;
    // Pictures that are there already stay, so that nothing flickers.
    const pictures = new Map([...table.querySelectorAll('img')].map((img) => [img.getAttribute('src'), img]));
    for (const img of fresh.querySelectorAll('img')) {
      const known = pictures.get(img.getAttribute('src'));
      if (known !== undefined) img.replaceWith(known);
    }
    table.replaceChildren(...fresh.childNodes);
    const again = table.querySelector('.scroll');
    if (again !== null) again.scrollLeft = left;
    localTimes(table);
    table.dataset.liveTable = fresh.dataset.liveTable;
  } finally {
    fetching = false;
  }
}

function follow(address) {
  const offline = document.querySelector('.offline');
  const source = new EventSource(address);
  source.addEventListener('parts', (event) => {
    const { now, title, parts, classes, counts, table } = JSON.parse(event.data);
    clockOffset = now - Date.now();
    document.title = title;
    for (const [id, markup] of Object.entries(parts)) replace(id, markup);
    for (const [id, className] of Object.entries(classes)) {
      const element = document.getElementById(id);
      if (element !== null && element.className !== className) element.className = className;
    }
    for (const [name, text] of Object.entries(counts)) {
      const element = document.querySelector(`[data-count="${name}"]`);
      if (element !== null && element.textContent !== text) element.textContent = text;
    }
    document.body.dataset.live = 'yes';
    refreshTable(table).catch(() => undefined);
  });
  source.addEventListener('open', () => {
    offline.hidden = true;
  });
  source.addEventListener('error', () => {
    offline.hidden = false;
    document.body.dataset.live = 'no';
    // A refusal ends it for good; the server may be back under the same address.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000, address);
  });
  // A page that is left frees its connection: a browser has six for a server.
  addEventListener('pagehide', () => source.close(), { once: true });
}

localTimes(document);
countOn();
// Only behind the event is known where focus went.
addEventListener('focusout', () =>
  setTimeout(() => {
    for (const [id, markup] of waiting) replace(id, markup);
  }),
);
setInterval(countOn, 1000);
const { events } = document.body.dataset;
if (events !== undefined) follow(`${events}?tab=${document.body.dataset.tab ?? 'overview'}`);
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
