// What a page of another origin can do: requests are sent after a preflight, and no header of a response is readable.
const [BASE, email, password] = process.argv.slice(2);
const ORIGIN = "http://localhost:5173";
const sendNow = globalThis.fetch;

async function allowed(url, method, headers) {
  const names = Object.keys(headers).map((name) => name.toLowerCase()).sort().join(",");
  const asked = { Origin: ORIGIN, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": names };
  const answer = await sendNow(url, { method: "OPTIONS", headers: asked });
  const granted = (answer.headers.get("access-control-allow-headers") ?? "").toLowerCase();
  return answer.ok && names.split(",").every((name) => granted.includes(name));
}

globalThis.fetch = async (url, { method = "GET", headers = {}, body } = {}) => {
  if (!(await allowed(url, method, headers))) throw new TypeError(`the preflight of ${method} ${url} failed`);
  const answer = await sendNow(url, { method, headers: { ...headers, Origin: ORIGIN }, body });
  if (answer.headers.get("access-control-allow-origin") !== ORIGIN) throw new TypeError(`${url} is not readable`);
  return { ok: answer.ok, status: answer.status, json: () => answer.json() };
};
