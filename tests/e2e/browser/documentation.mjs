// Opens both documentation pages, calls /auth/me from the first, and prints the requests, errors and response.
import bundled from "@sparticuz/chromium";
import { chromium } from "playwright-core";

const [base, token] = process.argv.slice(2);
const isBundled = process.platform === "linux" && process.arch === "x64"; // otherwise the installed Chrome
const browser = await chromium.launch(
  isBundled
    ? { executablePath: await bundled.executablePath(), args: ["--no-sandbox", "--headless=shell", "--no-zygote"] }
    : { channel: "chrome" },
);
const page = await browser.newPage();
const requested = [];
const errors = [];
page.on("request", (request) => requested.push(request.url()));
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));

await page.goto(`${base}/docs`);
await page.click(".auth-wrapper .authorize");
await page.fill(".auth-container input", token);
await page.click(".auth-container .authorize");
await page.click(".auth-container .btn-done");
await page.click("#operations-tag-auth");
const operation = page.locator("#operations-auth-show_me");
await operation.locator(".opblock-summary-control").click();
await operation.locator(".try-out__btn").click();
await operation.locator(".execute").click();
const response = operation.locator(".live-responses-table");
const status = await response.locator("tbody .response-col_status").first().innerText();
const body = await response.locator("tbody .highlight-code code").first().innerText();

await page.goto(`${base}/redoc`);
await page.getByText("auth", { exact: true }).first().click();
await page.getByText("Show who is signed in").first().click();
await page.getByText("any signed-in user").first().waitFor();

await browser.close();
console.log(JSON.stringify({ requested, errors, status, body }));
