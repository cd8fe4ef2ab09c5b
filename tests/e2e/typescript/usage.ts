// What a web client does with the types that are made of the API's description. It is compiled, and run.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

declare const process: { argv: string[] };

type Practice = components["schemas"]["Practice"];

const [base, email, password] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: base });

const signedIn = await client.POST("/api/v1/auth/login", { body: { email, password, remember_me: false } });
if (signedIn.error) throw new Error(signedIn.error.error.code);
const headers = { Authorization: `Bearer ${signedIn.data.access_token}` };

const made = await client.POST("/api/v1/best-practices", {
  body: { title: "Less scrap in brazing", benefits: ["One joint in four hundred leaks"], status: "draft" },
  params: { header: { "Idempotency-Key": "written-once" } },
  headers,
});
if (made.error) throw new Error(made.error.error.code);
const practice: Practice = made.data.data;

const list = await client.GET("/api/v1/best-practices", {
  params: { query: { status: "draft", sort_by: "title", limit: 5 } },
  headers,
});
const titles: string[] = list.data?.data.map((one) => one.title) ?? [];
const more: boolean | undefined = list.data?.pagination.has_more;

const refused = await client.POST("/api/v1/best-practices/{practice_id}/submit", {
  params: { path: { practice_id: practice.id } },
  headers,
});
const code: string | undefined = refused.error?.error.code;

// @ts-expect-error a state that no practice has
const wrongStatus: Practice["status"] = "finished";
// @ts-expect-error a query that the call does not know
client.GET("/api/v1/best-practices", { params: { query: { colour: "red" } } }).catch(() => wrongStatus);
// @ts-expect-error a path that there is not
client.GET("/api/v1/best-practice").catch(() => undefined);

console.log(JSON.stringify({ title: practice.title, titles, more, code }));
