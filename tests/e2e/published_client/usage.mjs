// What the published client does, with the function of the guide and the two values that it has read so far.
const refusal = async (promise) => promise.then(() => null, (error) => error);

const sparse = await call("POST", "/api/v1/best-practices", { title: "Fewer leaks", benefits: null });
const listed = await call("GET", "/api/v1/best-practices?limit=10&offset=0");
const photo = new Uint8Array(Buffer.from(process.env.PHOTO, "base64"));
const permit = await call("POST", "/api/v1/upload/presigned-url", {
  practice_id: sparse.id,
  file_type: "image",
  image_type: "before",
  filename: "joint.jpg",
  content_type: "image/jpg",
  file_size: photo.length,
});
const upload = await fetch(permit.upload_url, {
  method: "PUT",
  headers: { "x-ms-blob-type": "BlockBlob", "Content-Type": "image/jpeg", "x-ms-client-request-id": "1" },
  body: photo,
});
const image = await call("POST", `/api/v1/best-practices/${sparse.id}/images`, {
  practice_id: sparse.id,
  image_type: "before",
  blob_container: permit.container,
  blob_name: permit.blob_name,
  blob_url: permit.upload_url.split("?")[0],
  file_size: photo.length,
  content_type: "image/jpg",
});
const shown = await call("GET", `/api/v1/best-practices/${sparse.id}`);
const stale = await refusal(call("PATCH", `/api/v1/best-practices/${practice.id}`, { title: "Lost" }, ifMatch));
const incomplete = await refusal(call("POST", `/api/v1/best-practices/${sparse.id}/submit`));
const ranks = await call("GET", `/api/v1/leaderboard/current?year=${new Date().getFullYear()}`);
let limited = null;
while (limited === null) limited = await refusal(call("GET", "/api/v1/plants"));

console.log(
  JSON.stringify({
    titles: listed.map((item) => item.title).sort(),
    benefits: sparse.benefits,
    upload: upload.status,
    image: image.content_type,
    images: shown.images.length,
    stale: stale.code,
    incomplete: [incomplete.message, incomplete.details[0].field],
    ranks: ranks.map((entry) => entry.rank),
    limited: [limited.code, limited.retry_after >= 1 && limited.retry_after <= 3600],
  }),
);
