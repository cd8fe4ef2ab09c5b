"""The tables of the portal (docs/schema.md).

Revision ID: 0001
Revises: -
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PEOPLE = """
CREATE TABLE plants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(200) NOT NULL CONSTRAINT plants_name_key UNIQUE,
    short_name varchar(100) NOT NULL,
    division varchar(100) NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(320) NOT NULL,
    hashed_password varchar(100),
    full_name varchar(200) NOT NULL,
    role varchar(10) NOT NULL CONSTRAINT users_role_check CHECK (role IN ('plant', 'hq')),
    plant_id uuid CONSTRAINT users_plant_id_fkey REFERENCES plants (id),
    is_active boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_plant_belongs_to_role_check CHECK ((role = 'plant') = (plant_id IS NOT NULL))
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_plant_id_idx ON users (plant_id);

CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    refresh_token_hash bytea NOT NULL,
    previous_refresh_token_hash bytea,
    rotated_at timestamptz,
    remember_me boolean NOT NULL,
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_reason varchar(50),
    user_agent varchar(400),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE invites (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(320) NOT NULL,
    role varchar(10) NOT NULL CONSTRAINT invites_role_check CHECK (role IN ('plant', 'hq')),
    plant_id uuid CONSTRAINT invites_plant_id_fkey REFERENCES plants (id),
    token_hash bytea NOT NULL CONSTRAINT invites_token_hash_key UNIQUE,
    invited_by_user_id uuid NOT NULL CONSTRAINT invites_invited_by_user_id_fkey REFERENCES users (id),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT invites_plant_belongs_to_role_check CHECK ((role = 'plant') = (plant_id IS NOT NULL))
);
CREATE INDEX invites_email_idx ON invites (lower(email));
CREATE INDEX invites_plant_id_idx ON invites (plant_id);
CREATE INDEX invites_invited_by_user_id_idx ON invites (invited_by_user_id);

CREATE TABLE categories (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL CONSTRAINT categories_name_key UNIQUE,
    slug varchar(100) NOT NULL CONSTRAINT categories_slug_key UNIQUE,
    color_class varchar(200) NOT NULL,
    icon_name varchar(100) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
"""

# The three saving columns are all set or all NULL (rules 2). A draft has no date; others have one.
# annualised_savings is the saving per year in lakhs, exact (rules 3): a generated column, always up to date.
PRACTICES = """
CREATE TABLE best_practices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    title varchar(500) NOT NULL,
    description text,
    category_id uuid CONSTRAINT best_practices_category_id_fkey REFERENCES categories (id),
    submitted_by_user_id uuid NOT NULL
        CONSTRAINT best_practices_submitted_by_user_id_fkey REFERENCES users (id),
    plant_id uuid NOT NULL CONSTRAINT best_practices_plant_id_fkey REFERENCES plants (id),
    problem_statement text,
    solution text,
    benefits jsonb NOT NULL DEFAULT '[]',
    metrics text,
    implementation text,
    investment text,
    savings_amount numeric(12, 2),
    savings_currency varchar(10),
    savings_period varchar(10),
    area_implemented varchar(500),
    status varchar(20) NOT NULL,
    submitted_date date,
    is_deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    annualised_savings numeric(24, 2) NOT NULL GENERATED ALWAYS AS (
        coalesce(savings_amount, 0)
        * CASE savings_period WHEN 'monthly' THEN 12 ELSE 1 END
        * CASE savings_currency WHEN 'crores' THEN 100 ELSE 1 END
    ) STORED,
    search_document tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A')
        || setweight(to_tsvector('english', coalesce(problem_statement, '')), 'B')
        || setweight(to_tsvector('english', coalesce(solution, '')), 'C')
    ) STORED,
    CONSTRAINT best_practices_status_check
        CHECK (status IN ('draft', 'submitted', 'approved', 'revision_required')),
    CONSTRAINT best_practices_submitted_date_check CHECK ((status = 'draft') = (submitted_date IS NULL)),
    CONSTRAINT best_practices_benefits_check CHECK (jsonb_typeof(benefits) = 'array'),
    CONSTRAINT best_practices_savings_amount_check CHECK (savings_amount >= 0),
    CONSTRAINT best_practices_savings_currency_check CHECK (savings_currency IN ('lakhs', 'crores')),
    CONSTRAINT best_practices_savings_period_check CHECK (savings_period IN ('monthly', 'annually')),
    CONSTRAINT best_practices_savings_complete_check
        CHECK (num_nulls(savings_amount, savings_currency, savings_period) IN (0, 3))
);
CREATE INDEX best_practices_search_idx ON best_practices USING gin (search_document);
CREATE INDEX best_practices_plant_date_idx ON best_practices (plant_id, submitted_date DESC);
CREATE INDEX best_practices_category_idx ON best_practices (category_id);
CREATE INDEX best_practices_author_idx ON best_practices (submitted_by_user_id);
CREATE INDEX best_practices_status_idx ON best_practices (status) WHERE NOT is_deleted;
CREATE INDEX best_practices_approved_idx ON best_practices (submitted_date, plant_id)
    INCLUDE (annualised_savings) WHERE status = 'approved' AND NOT is_deleted;
CREATE INDEX best_practices_list_idx ON best_practices (submitted_date DESC, id) WHERE NOT is_deleted;

CREATE TABLE practice_transitions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    practice_id uuid NOT NULL
        CONSTRAINT practice_transitions_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    from_status varchar(20),
    to_status varchar(20) NOT NULL,
    by_user_id uuid NOT NULL CONSTRAINT practice_transitions_by_user_id_fkey REFERENCES users (id),
    comment varchar(2000),
    at timestamptz NOT NULL
);
CREATE INDEX practice_transitions_practice_idx ON practice_transitions (practice_id, id);
CREATE INDEX practice_transitions_by_user_idx ON practice_transitions (by_user_id);
"""

FILES = """
CREATE TABLE practice_images (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    practice_id uuid NOT NULL
        CONSTRAINT practice_images_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    image_type varchar(10) NOT NULL
        CONSTRAINT practice_images_image_type_check CHECK (image_type IN ('before', 'after')),
    blob_container varchar(63) NOT NULL,
    blob_name varchar(1024) NOT NULL,
    blob_url text NOT NULL,
    thumbnail_name varchar(1024),
    file_size bigint NOT NULL,
    content_type varchar(100) NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    uploaded_at timestamptz NOT NULL,
    CONSTRAINT practice_images_blob_key UNIQUE (blob_container, blob_name)
);
CREATE INDEX practice_images_practice_idx ON practice_images (practice_id, image_type, uploaded_at DESC);

CREATE TABLE practice_documents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    practice_id uuid NOT NULL
        CONSTRAINT practice_documents_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    document_name varchar(300) NOT NULL,
    blob_container varchar(63) NOT NULL,
    blob_name varchar(1024) NOT NULL,
    blob_url text NOT NULL,
    file_size bigint NOT NULL,
    content_type varchar(100) NOT NULL,
    uploaded_at timestamptz NOT NULL,
    CONSTRAINT practice_documents_blob_key UNIQUE (blob_container, blob_name)
);
CREATE INDEX practice_documents_practice_idx ON practice_documents (practice_id, uploaded_at DESC);

CREATE TABLE uploads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    practice_id uuid NOT NULL
        CONSTRAINT uploads_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    user_id uuid CONSTRAINT uploads_user_id_fkey REFERENCES users (id),
    container varchar(63) NOT NULL,
    blob_name varchar(1024) NOT NULL,
    declared_content_type varchar(100),
    declared_size bigint,
    state varchar(10) NOT NULL
        CONSTRAINT uploads_state_check CHECK (state IN ('pending', 'recorded', 'rejected', 'expired')),
    reason varchar(500),
    expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT uploads_blob_key UNIQUE (container, blob_name),
    CONSTRAINT uploads_rejected_has_reason_check CHECK ((state = 'rejected') = (reason IS NOT NULL))
);
CREATE INDEX uploads_practice_idx ON uploads (practice_id, created_at DESC);
CREATE INDEX uploads_user_idx ON uploads (user_id);
CREATE INDEX uploads_pending_idx ON uploads (expires_at) WHERE state = 'pending';
"""

SHARING = """
CREATE TABLE benchmarked_practices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    practice_id uuid NOT NULL CONSTRAINT benchmarked_practices_practice_id_key UNIQUE
        CONSTRAINT benchmarked_practices_practice_id_fkey REFERENCES best_practices (id),
    benchmarked_by_user_id uuid NOT NULL
        CONSTRAINT benchmarked_practices_by_user_id_fkey REFERENCES users (id),
    benchmarked_date date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX benchmarked_practices_date_idx ON benchmarked_practices (benchmarked_date DESC);
CREATE INDEX benchmarked_practices_by_user_idx ON benchmarked_practices (benchmarked_by_user_id);

CREATE TABLE copied_practices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    original_practice_id uuid NOT NULL
        CONSTRAINT copied_practices_original_practice_id_fkey REFERENCES best_practices (id),
    copied_practice_id uuid NOT NULL CONSTRAINT copied_practices_copied_practice_id_key UNIQUE
        CONSTRAINT copied_practices_copied_practice_id_fkey REFERENCES best_practices (id),
    copying_plant_id uuid NOT NULL CONSTRAINT copied_practices_copying_plant_id_fkey REFERENCES plants (id),
    copied_date date NOT NULL,
    implementation_status varchar(20) NOT NULL CONSTRAINT copied_practices_implementation_status_check
        CHECK (implementation_status IN ('planning', 'in_progress', 'completed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT copied_practices_once_per_plant_key UNIQUE (original_practice_id, copying_plant_id)
);
CREATE INDEX copied_practices_copying_plant_idx ON copied_practices (copying_plant_id, copied_date DESC);

CREATE TABLE practice_questions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    practice_id uuid NOT NULL
        CONSTRAINT practice_questions_practice_id_fkey REFERENCES best_practices (id) ON DELETE CASCADE,
    asked_by_user_id uuid NOT NULL CONSTRAINT practice_questions_asked_by_user_id_fkey REFERENCES users (id),
    question_text varchar(2000) NOT NULL,
    answer_text varchar(4000),
    answered_by_user_id uuid
        CONSTRAINT practice_questions_answered_by_user_id_fkey REFERENCES users (id),
    answered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT practice_questions_answer_complete_check
        CHECK (num_nulls(answer_text, answered_by_user_id, answered_at) IN (0, 3))
);
CREATE INDEX practice_questions_practice_idx ON practice_questions (practice_id, created_at DESC);
CREATE INDEX practice_questions_asked_by_idx ON practice_questions (asked_by_user_id);
CREATE INDEX practice_questions_answered_by_idx ON practice_questions (answered_by_user_id);

CREATE TABLE leaderboard_entries (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plant_id uuid NOT NULL CONSTRAINT leaderboard_entries_plant_id_fkey REFERENCES plants (id),
    year integer NOT NULL,
    total_points integer NOT NULL DEFAULT 0,
    origin_points integer NOT NULL DEFAULT 0,
    copier_points integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leaderboard_entries_plant_year_key UNIQUE (plant_id, year),
    CONSTRAINT leaderboard_entries_total_check CHECK (total_points = origin_points + copier_points)
);
CREATE INDEX leaderboard_entries_rank_idx ON leaderboard_entries (year, total_points DESC);

CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL CONSTRAINT notifications_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    type varchar(30) NOT NULL,
    title varchar(200) NOT NULL,
    message varchar(2000) NOT NULL,
    related_practice_id uuid CONSTRAINT notifications_related_practice_id_fkey
        REFERENCES best_practices (id) ON DELETE CASCADE,
    related_question_id uuid CONSTRAINT notifications_related_question_id_fkey
        REFERENCES practice_questions (id) ON DELETE SET NULL,
    is_read boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notifications_unread_idx ON notifications (user_id) WHERE NOT is_read;
CREATE INDEX notifications_user_idx ON notifications (user_id, created_at DESC);
CREATE INDEX notifications_related_practice_idx ON notifications (related_practice_id);
CREATE INDEX notifications_related_question_idx ON notifications (related_question_id);
"""

# Sums are annualised and exact. The precision allows for many savings of up to 12 x 100 x 9,999,999,999.99
# lakhs in one plant.
SAVINGS = """
CREATE TABLE monthly_savings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plant_id uuid NOT NULL CONSTRAINT monthly_savings_plant_id_fkey REFERENCES plants (id),
    year integer NOT NULL,
    month integer NOT NULL CONSTRAINT monthly_savings_month_check CHECK (month BETWEEN 1 AND 12),
    total_savings numeric(24, 2) NOT NULL,
    annualised_savings numeric(24, 2) NOT NULL,
    savings_currency varchar(10) NOT NULL DEFAULT 'lakhs'
        CONSTRAINT monthly_savings_currency_check CHECK (savings_currency = 'lakhs'),
    practice_count integer NOT NULL,
    stars integer NOT NULL DEFAULT 0 CONSTRAINT monthly_savings_stars_check CHECK (stars BETWEEN 0 AND 5),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT monthly_savings_plant_month_key UNIQUE (plant_id, year, month)
);
CREATE INDEX monthly_savings_plant_month_idx ON monthly_savings (plant_id, year, month DESC);

CREATE TABLE job_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(100) NOT NULL,
    trigger varchar(10) NOT NULL
        CONSTRAINT job_runs_trigger_check CHECK (trigger IN ('timer', 'manual', 'event')),
    state varchar(10) NOT NULL
        CONSTRAINT job_runs_state_check CHECK (state IN ('running', 'completed', 'failed')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    rows integer,
    error varchar(2000)
);
CREATE INDEX job_runs_name_idx ON job_runs (name, started_at DESC);
"""

OPERATIONS = """
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    user_id uuid CONSTRAINT audit_log_user_id_fkey REFERENCES users (id),
    action varchar(50) NOT NULL,
    entity varchar(50) NOT NULL,
    entity_id uuid,
    before jsonb,
    after jsonb,
    request_id varchar(64)
);
CREATE INDEX audit_log_entity_idx ON audit_log (entity, entity_id, at DESC);
CREATE INDEX audit_log_user_idx ON audit_log (user_id, at DESC);
CREATE INDEX audit_log_at_idx ON audit_log (at DESC);

CREATE TABLE idempotency_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT idempotency_keys_user_id_fkey REFERENCES users (id) ON DELETE CASCADE,
    key varchar(64) NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_user_key_key UNIQUE (user_id, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

CREATE UNLOGGED TABLE rate_limits (
    key varchar(200) NOT NULL,
    window_start timestamptz NOT NULL,
    hits integer NOT NULL,
    PRIMARY KEY (key, window_start)
);
"""

TABLES = (
    "rate_limits", "idempotency_keys", "audit_log", "job_runs", "monthly_savings", "notifications",
    "leaderboard_entries", "practice_questions", "copied_practices", "benchmarked_practices", "uploads",
    "practice_documents", "practice_images", "practice_transitions", "best_practices", "categories",
    "invites", "sessions", "users", "plants",
)  # fmt: skip


def upgrade() -> None:
    for statements in (PEOPLE, PRACTICES, FILES, SHARING, SAVINGS, OPERATIONS):
        op.execute(statements)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
