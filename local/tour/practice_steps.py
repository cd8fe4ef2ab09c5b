"""The tour, step by step: the portal's main job from an idea at a plant to its stars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.pictures import LONGEST_SIDE
from bp_core import jobs
from bp_core.leaderboard import COPIER_POINTS, ORIGIN_POINTS
from bp_core.savings import MOST_STARS, SavingsRules
from bp_core.shared.calendar import Month
from bp_core.uploads.kinds import IMAGES, parse_blob_name
from local.data_directory import Account
from local.tour import pictures
from local.tour.sums import Sums, approved_count, saving_a_month, sums_of
from local.tour.telling import Difference, Teller, require
from local.tour.visitor import Visitor, Web, wait_for

TITLE = "Leak test before brazing, not after"
SAVING = {"savings_amount": 6.25, "savings_currency": "crores", "savings_period": "annually"}
"""625 / 12 = 52.0833... lakhs a month: read as 52.08, and yet twelve of them are 625.00."""

COMMENT = "Please say how it was measured."
KINDS = ("before", "after")
MOST_RECOMPUTED = 1000
"""The stars of a plant with more practices a year than this are shown, but not computed anew."""

HOST_HIDES_ADMIN = {401, 403, 404}


@dataclass(frozen=True)
class People:
    """Who goes on the tour; without a neighbour from another plant one step is left out."""

    plant: Account
    hq: Account
    neighbour: Account | None


@dataclass(frozen=True)
class Permit:
    """Leave to upload, and the photograph that it is for."""

    image_type: str
    photograph: bytes
    upload_url: str
    blob_name: str
    container: str

    def confirmation(self) -> dict[str, object]:
        """The client's word that the photograph was put."""
        return {
            "image_type": self.image_type,
            "blob_name": self.blob_name,
            "blob_container": self.container,
            "file_size": len(self.photograph),
            "content_type": "image/jpeg",
        }


def walk(teller: Teller, web: Web, people: People, rules: SavingsRules) -> None:
    """Take the whole tour.

    Raises Difference at the first thing that is not as the rules say, httpx.HTTPError if nobody answers.
    """
    check_health(teller, web)
    plant, me = sign_in(teller, web, people.plant, "Somebody at a plant signs in.")
    category_id = look_around(teller, plant, me)
    practice = f"/best-practices/{write_draft(teller, plant)}"
    submit(teller, plant, practice, category_id)
    before, after = put_photographs(teller, web, plant, practice)
    confirm(teller, plant, practice, before)
    fetch_thumbnails(teller, web, wait_for_thumbnails(teller, plant, practice, [before, after]))
    put_no_photograph(teller, web, plant, practice)
    if people.neighbour is not None:
        be_kept_out(teller, web, people.neighbour, practice)
    hq, _ = sign_in(teller, web, people.hq, "Somebody at headquarters signs in.")
    request_revision(teller, hq, practice)
    resubmit(teller, plant, practice)
    month = approve(teller, plant, hq, practice, rules)
    read_history(teller, plant, practice)
    benchmark(teller, hq, practice)
    if people.neighbour is not None:
        copy(teller, web, people.neighbour, practice)
    run_jobs(teller, hq)
    sign_out(teller, plant)
    show_stars(teller, hq, month, rules)


def check_health(teller: Teller, web: Web) -> None:
    """The portal, its database and its storage answer."""
    teller.begin("Is everything there: the portal, its database, its storage?")
    visitor = web.stranger()
    alive, status = visitor.get("/health"), visitor.get("/health/status")
    for part in ("status", "database", "storage"):
        require(f"/health/status, {part}", status[part], "ok")
    require("/health/status, migrated", status["migrated"], True)
    teller.end(f"version {alive['version']}, up for {alive['uptime_s']} s, all ok")


def sign_in(teller: Teller, web: Web, account: Account, tale: str) -> tuple[Visitor, Mapping[str, Any]]:
    """A session is opened with e-mail and password; the portal knows who it is."""
    teller.begin(tale)
    sent = {"email": account.email, "password": account.password}
    visitor = Visitor(web, web.stranger().post("/auth/login", sent)["access_token"])
    me = visitor.get("/auth/me")
    require("the e-mail of /auth/me", me["email"].lower(), account.email.lower())
    require("the role of /auth/me", me["role"], account.role)
    place = f" of {me['plant_name']}" if me["plant_name"] else ""
    teller.end(f"{me['full_name']}, {me['role']} user{place}")
    return visitor, me


def look_around(teller: Teller, plant: Visitor, me: Mapping[str, Any]) -> str:
    """Plants and categories are listed; the id of a category."""
    teller.begin("Which plants are there, and what are practices filed under?")
    plants, categories = plant.get("/plants"), plant.get("/categories")
    require("the own plant is listed", me["plant_id"] in [one["id"] for one in plants], True)
    if not categories:
        raise Difference("There are no categories.")
    names = ", ".join(category["name"] for category in categories[:3])
    teller.end(f"{len(plants)} plants, {len(categories)} categories: {names} ...")
    return str(categories[0]["id"])


def write_draft(teller: Teller, plant: Visitor) -> str:
    """A draft needs a title only (rules 2); its id."""
    teller.begin("An idea from the line. A draft needs a title and nothing else.")
    draft = plant.post("/best-practices", {"title": TITLE}, wanted={201})
    require("the state of a new practice", draft["status"], "draft")
    require("the date of a draft", draft["submitted_date"], None)
    problem = plant.refused(
        "POST", f"/best-practices/{draft['id']}/submit", {}, status=422, code="VALIDATION_ERROR"
    )
    missing = ", ".join(fault["field"] for fault in problem["details"])
    teller.end(f"draft; lacks {missing}")
    return str(draft["id"])


def submit(teller: Teller, plant: Visitor, practice: str, category_id: str) -> None:
    """A complete practice is submitted, and dated by the server (rules 2)."""
    teller.begin("It is completed, with what it saves, and submitted.")
    plant.patch(
        practice,
        {
            "description": "Joints were tested for leaks when brazing was over, and every tenth went back.",
            "category_id": category_id,
            "problem_statement": "One joint in ten leaked, and was found two stations later.",
            "solution": "A pressure test of five seconds stands before the brazing station.",
            "benefits": ["less rework", "less gas"],
            **SAVING,
        },
    )
    submitted = plant.post(f"{practice}/submit")
    require("the state of a submitted practice", submitted["status"], "submitted")
    if submitted["submitted_date"] is None:
        raise Difference("A submitted practice has no date.")
    teller.end(f"dated {submitted['submitted_date']}; saves 6.25 crores a year")


def put_photographs(teller: Teller, web: Web, plant: Visitor, practice: str) -> tuple[Permit, Permit]:
    """Leave to upload holds for one blob and for once (rules 8)."""
    teller.begin("Two photographs go straight into the storage: each leave is good for one file, once.")
    before, after = (ask_for_upload(plant, practice, kind, pictures.draw(kind, TITLE)) for kind in KINDS)
    for permit in (before, after):
        require("putting a photograph", put(web, permit), 201)
    again = put(web, before)
    require("putting it a second time is refused", again in {403, 409}, True)
    teller.end(
        f"{len(before.photograph) // 1024} + {len(after.photograph) // 1024} KB; then the door was shut"
    )
    return before, after


def ask_for_upload(plant: Visitor, practice: str, image_type: str, photograph: bytes) -> Permit:
    """Ask leave to upload a JPEG of a practice."""
    asked = {
        "practice_id": practice.rpartition("/")[2],
        "file_type": "image",
        "image_type": image_type,
        "filename": f"{image_type}.jpg",
        "content_type": "image/jpeg",
        "file_size": len(photograph),
    }
    answer = plant.post("/upload/presigned-url", asked)
    name = parse_blob_name(IMAGES, answer["blob_name"])
    require(
        "what the blob's name says", (str(name.practice_id), name.stem), (asked["practice_id"], image_type)
    )
    return Permit(image_type, photograph, answer["upload_url"], answer["blob_name"], answer["container"])


def put(web: Web, permit: Permit) -> int:
    """Put a photograph; the storage's status."""
    return web.put_blob(permit.upload_url, permit.photograph, "image/jpeg")


def confirm(teller: Teller, plant: Visitor, practice: str, permit: Permit) -> None:
    """A confirmed photograph is recorded once, however often it is confirmed (rules 8)."""
    teller.begin("The browser confirms one of them, twice even. The other it leaves to the blob trigger.")
    # 200 at once where the trigger was faster than we.
    first = plant.post(f"{practice}/images", permit.confirmation(), wanted={200, 201})
    second = plant.post(f"{practice}/images", permit.confirmation(), wanted={200})
    require("confirming twice gives the same image", second["id"], first["id"])
    require("the size of the photograph", (first["width"], first["height"]), pictures.SIZE)
    teller.end(f"recorded once, {first['width']} x {first['height']} pixels")


def wait_for_thumbnails(
    teller: Teller, plant: Visitor, practice: str, permits: Sequence[Permit]
) -> list[dict[str, Any]]:
    """The trigger records what was put and draws thumbnails; the two images."""
    teller.begin("The blob trigger sees both: it records the second one, and draws the thumbnails.")

    def drawn() -> list[dict[str, Any]] | None:
        images: list[dict[str, Any]] = plant.get(f"{practice}/images")
        done = [image["thumbnail_url"] for image in images if image["thumbnail_url"]]
        return images if len(done) >= len(permits) else None

    images = wait_for("the thumbnails of both photographs", drawn)
    recorded = sorted(image["blob_name"] for image in images)
    require("the photographs recorded", recorded, sorted(permit.blob_name for permit in permits))
    states = {upload["blob_name"]: upload["state"] for upload in plant.get(f"{practice}/uploads")}
    require("the states of the uploads", states, {permit.blob_name: "recorded" for permit in permits})
    teller.end("both recorded, one row each")
    return images


def fetch_thumbnails(teller: Teller, web: Web, images: Sequence[Mapping[str, Any]]) -> None:
    """A thumbnail is a WebP with no side longer than 480 pixels, and shows the right photograph."""
    teller.begin("What do the thumbnails look like?")
    told = []
    for image in images:
        form, size, kind = pictures.look_at(web.fetch_blob(image["thumbnail_url"]))
        require("the format of a thumbnail", form, "WEBP")
        require("the longest side of a thumbnail is at most 480", max(size) <= LONGEST_SIDE, True)
        require("the photograph that a thumbnail shows", kind, image["image_type"])
        told.append(f"{kind} is {'red' if kind == 'before' else 'green'}, {size[0]} x {size[1]} {form}")
    teller.end("; ".join(told))


def put_no_photograph(teller: Teller, web: Web, plant: Visitor, practice: str) -> None:
    """A file that is no image ends in quarantine, and the practice says why (rules 8)."""
    teller.begin("Somebody uploads a table called before.jpg. The bytes decide, not the name.")
    permit = ask_for_upload(plant, practice, "before", b"month;saving\r\nJune;1.00\r\n")
    require("putting a file", put(web, permit), 201)
    plant.refused("POST", f"{practice}/images", permit.confirmation(), status=422, code="UPLOAD_REJECTED")
    uploads = {upload["blob_name"]: upload for upload in plant.get(f"{practice}/uploads")}
    rejected = uploads[permit.blob_name]
    require("the state of that upload", rejected["state"], "rejected")
    require("the number of photographs", len(plant.get(f"{practice}/images")), len(KINDS))
    teller.end(f"quarantine: {rejected['reason']}")


def be_kept_out(teller: Teller, web: Web, account: Account, practice: str) -> None:
    """Another plant reads a submitted practice and does not write it (rules 2)."""
    teller.begin("Another plant may read it by now, but not rewrite it.")
    sent = {"email": account.email, "password": account.password}
    neighbour = Visitor(web, web.stranger().post("/auth/login", sent)["access_token"])
    require("the title that the neighbour reads", neighbour.get(practice)["title"], TITLE)
    error = neighbour.refused("PATCH", practice, {"title": "Ours!"}, status=403, code="FORBIDDEN")
    neighbour.post("/auth/logout")
    teller.end(error["message"])


def request_revision(teller: Teller, hq: Visitor, practice: str) -> None:
    """Headquarters sends a practice back with a comment, never without one (rules 2)."""
    teller.begin("Headquarters is not convinced, and has to say why. Until it is resubmitted, no approval.")
    hq.refused("POST", f"{practice}/request-revision", {}, status=422, code="VALIDATION_ERROR")
    returned = hq.post(f"{practice}/request-revision", {"comment": COMMENT})
    require("the state of a practice sent back", returned["status"], "revision_required")
    hq.refused("POST", f"{practice}/approve", status=409, code="INVALID_TRANSITION")
    teller.end(f'"{COMMENT}"')


def resubmit(teller: Teller, plant: Visitor, practice: str) -> None:
    """A resubmission does not move the date (rules 2)."""
    teller.begin("The plant adds what was asked for and submits again.")
    dated = plant.get(practice)["submitted_date"]
    plant.patch(practice, {"metrics": "Rework hours of three months before, and of three months after."})
    again = plant.post(f"{practice}/submit")
    require("the state after the resubmission", again["status"], "submitted")
    require("the date after the resubmission", again["submitted_date"], dated)
    teller.end(f"submitted, still dated {dated}")


def approve(teller: Teller, plant: Visitor, hq: Visitor, practice: str, rules: SavingsRules) -> Month:
    """An approval counts at once: exactly its own saving, in its own month (rules 3); that month."""
    teller.begin("Headquarters approves, and the plant's overview shows it at once.")
    waiting = plant.get(practice)
    month = Month.of(date.fromisoformat(waiting["submitted_date"]))
    sums = sums_of(plant, waiting["plant_id"], month, rules)
    before = _overview(plant, sums, rules)
    approved = hq.post(f"{practice}/approve")
    require("the state of an approved practice", approved["status"], "approved")
    hq.refused("POST", f"{practice}/approve", status=409, code="INVALID_TRANSITION")
    sums = sums.plus(saving_a_month(approved))
    require("the sums of the listed practices", sums_of(plant, waiting["plant_id"], month, rules), sums)
    after = _overview(plant, sums, rules)
    require("the count of the month, unmoved", after["monthly_count"], before["monthly_count"])
    teller.end(
        ", ".join(
            f"{what} {before[field]} -> {after[field]}"
            for what, field in (("month", "monthly_savings"), ("year", "ytd_savings"), ("stars", "stars"))
        )
    )
    return month


def _overview(plant: Visitor, sums: Sums, rules: SavingsRules) -> Mapping[str, Any]:
    """The overview in lakhs, which in lakhs and in crores must show these sums."""
    lakhs: dict[str, Any] = plant.get("/analytics/overview")
    sums.require_shown("the overview in lakhs", lakhs, rules)
    crores = plant.get("/analytics/overview", currency="crores")
    sums.require_shown("the overview in crores", crores, rules, "crores")
    return lakhs


def read_history(teller: Teller, plant: Visitor, practice: str) -> None:
    """Every change of state is kept: who, when, from, to, comment (rules 2)."""
    teller.begin("What happened to it? Everything was kept, and an approved practice is closed to its plant.")
    history = plant.get(f"{practice}/history")
    states = ["draft", "submitted", "revision_required", "submitted", "approved"]
    require("the history", [entry["to_status"] for entry in history], states)
    require("where each step began", [entry["from_status"] for entry in history], [None, *states[:-1]])
    require("the comments", [entry["comment"] for entry in history if entry["comment"]], [COMMENT])
    plant.refused("PATCH", practice, {"title": "Even better"}, status=403, code="FORBIDDEN")
    teller.end(" -> ".join(entry["to_status"] for entry in history))


def benchmark(teller: Teller, hq: Visitor, practice: str) -> None:
    """Headquarters benchmark a practice once (rules 6); that alone gives no points (rules 5)."""
    teller.begin("It is good enough for others to copy: headquarters benchmark it.")
    count, board = _benchmark_count(hq), _points(hq)
    call = f"/benchmarking/benchmark/{practice.rpartition('/')[2]}"
    made = hq.post(call, wanted={201})
    hq.refused("POST", call, status=409, code="ALREADY_BENCHMARKED")
    require("the number of benchmarked practices", _benchmark_count(hq), count + 1)
    require("the points after a benchmark", _points(hq), board)
    teller.end(f"benchmarked on {made['benchmarked_date']}, and no points yet")


def copy(teller: Teller, web: Web, account: Account, practice: str) -> None:
    """A copy is a submitted practice without savings; it pays its origin and its copier (rules 5, 6)."""
    teller.begin("Another plant copies it, once, and gets under way. Both plants earn points.")
    sent = {"email": account.email, "password": account.password}
    neighbour = Visitor(web, web.stranger().post("/auth/login", sent)["access_token"])
    before = _points(neighbour)
    body = {"original_practice_id": practice.rpartition("/")[2], "customized_title": f"{TITLE}: ours"}
    made = neighbour.post("/copy/implement", body, wanted={201})
    neighbour.refused("POST", "/copy/implement", body, status=409, code="ALREADY_COPIED")
    copied, awarded = made["copied_practice"], made["points_awarded"]
    require("the state of a copy", copied["status"], "submitted")
    require("the title of a copy", copied["title"], body["customized_title"])
    require("the saving of a copy", copied["savings_amount"], None)
    require("the points of the origin", awarded["origin_points"], ORIGIN_POINTS)
    require("the points of the copier", awarded["copier_points"], COPIER_POINTS)
    moved = neighbour.patch(f"/copy/{made['copy_record']['id']}", {"implementation_status": "in_progress"})
    require("how far the copy is", moved["implementation_status"], "in_progress")
    before[awarded["origin_plant_id"]] += ORIGIN_POINTS
    before[awarded["copying_plant_id"]] += COPIER_POINTS
    require("the leaderboard", _points(neighbour), before)
    leader = neighbour.get("/leaderboard/current")[0]
    neighbour.post("/auth/logout")
    teller.end(
        f"{ORIGIN_POINTS} for its origin, {COPIER_POINTS} for its copier;"
        f" {leader['plant_name']} leads with {leader['total_points']}"
    )


def _benchmark_count(visitor: Visitor) -> int:
    return int(visitor.get("/benchmarking/total-count")["total_benchmarked"])


def _points(visitor: Visitor) -> dict[str, int]:
    """The points of every plant this year."""
    return {row["plant_id"]: row["total_points"] for row in visitor.get("/leaderboard/current")}


def run_jobs(teller: Teller, hq: Visitor) -> None:
    """The nightly jobs and the recalculation do the same work, and every run is recorded."""
    teller.begin("Night falls early today: headquarters recalculates, and both timers run now.")
    recalculation = hq.post("/analytics/recalculate-savings")
    require("the state of the recalculation", recalculation["state"], "completed")
    told = [str(recalculation["rows"])]
    for name in (jobs.AGGREGATE_MONTHLY_SAVINGS, jobs.RATE_STARS):
        run = _run_timer(hq, name)
        told.append(str(run["rows"]) if run else f"{name} waits for its time (the host wants a key)")
    teller.end(f"figures put right: {', '.join(told)}")


def _run_timer(hq: Visitor, name: str) -> dict[str, Any] | None:
    """Run a timer now, and wait for the record of it; None where the host does not offer that."""
    known = {run["id"] for run in hq.get("/jobs")}
    status = hq.ask_host(name)
    if status in HOST_HIDES_ADMIN:
        return None
    require(f"asking the host to run {name}", status, 202)

    def finished() -> dict[str, Any] | None:
        return next(
            (
                run
                for run in hq.get("/jobs")
                if run["name"] == name and run["id"] not in known and run["state"] != "running"
            ),
            None,
        )

    run = wait_for(f"the record of a run of {name}", finished)
    require(f"how {name} ended, {run['error']}", (run["state"], run["trigger"]), ("completed", "timer"))
    return run


def sign_out(teller: Teller, plant: Visitor) -> None:
    """A sign-out ends the session at once, not when its token runs out (rules 9)."""
    teller.begin("The plant signs out. Its token would be good for half an hour more, its session is not.")
    plant.post("/auth/logout")
    error = plant.refused("GET", "/auth/me", status=401, code="TOKEN_REVOKED")
    teller.end(error["message"])


def show_stars(teller: Teller, hq: Visitor, month: Month, rules: SavingsRules) -> None:
    """The stars of every plant are those that its savings earn (rules 4)."""
    teller.begin(f"And the stars of {month}, for all plants (policy {rules.star_policy}):")
    rows = hq.get("/analytics/star-ratings", year=month.year, month=month.month)
    recomputed = [row for row in rows if approved_count(hq, row["plant_id"], month, rules) <= MOST_RECOMPUTED]
    for row in recomputed:
        sums = sums_of(hq, row["plant_id"], month, rules)
        sums.require_shown(f"the stars of {row['plant_name']}", row, rules)
    hq.post("/auth/logout")
    teller.end(f"{len(recomputed)} of {len(rows)} rows computed anew, and alike\n")
    _print_table(rows)


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"    {'plant':28}{'month':>10}{'year so far':>14}   stars   (lakhs)")
    for row in rows:
        stars = "★" * row["stars"] + "☆" * (MOST_STARS - row["stars"])
        print(f"    {row['plant_name']:28}{row['monthly_savings']:>10}{row['ytd_savings']:>14}   {stars}")
