// Uses the generated types as a web client would. The test compiles and runs it.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

declare const process: { argv: string[] };

type Practice = components["schemas"]["Practice"];

const [base, email, password] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: base });

const session = await client.POST("/api/v1/auth/login", { body: { email, password, remember_me: false } });
if (session.error) throw new Error(session.error.error.code);
const headers = { Authorization: `Bearer ${session.data.access_token}` };

const created = await client.POST("/api/v1/best-practices", {
  body: { title: "Less scrap in brazing", benefits: ["One joint in four hundred leaks"], status: "draft", tags: ["Gas", "heat"] },
  params: { header: { "Idempotency-Key": "created-once" } },
  headers,
});
if (created.error) throw new Error(created.error.error.code);
const practice: Practice = created.data.data;

const list = await client.GET("/api/v1/best-practices", {
  params: { query: { status: "draft", sort_by: "title", limit: 5 } },
  headers,
});
const several = await client.GET("/api/v1/best-practices", {
  params: { query: { status: ["draft", "submitted"], tag: ["gas", "heat"], not_copied_by_us: false } },
  headers,
});
const tagged: string[][] = several.data?.data.map((item) => item.tags) ?? [];
const titles: string[] = list.data?.data.map((item) => item.title) ?? [];
const more: boolean | undefined = list.data?.pagination.has_more;

const refused = await client.POST("/api/v1/best-practices/{practice_id}/submit", {
  params: { path: { practice_id: practice.id } },
  headers,
});
const code: string | undefined = refused.error?.error.code;

// @ts-expect-error an unknown status
const wrongStatus: Practice["status"] = "finished";
// @ts-expect-error an unknown query parameter
client.GET("/api/v1/best-practices", { params: { query: { colour: "red" } } }).catch(() => wrongStatus);
// @ts-expect-error an unknown path
client.GET("/api/v1/best-practice").catch(() => undefined);

console.log(JSON.stringify({ title: practice.title, titles, tagged, more, code }));
