"""Tags of practices, and a search document that has description, benefits, area and tags as well.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TAGS = """
CREATE FUNCTION are_tags(tags text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT count(*) <= 10 AND count(DISTINCT tag) = count(*)
           AND coalesce(bool_and(char_length(tag) BETWEEN 1 AND 40 AND tag !~ '[A-Z,;[:cntrl:]]'), true)
    FROM unnest(tags) tag
$$;

ALTER TABLE best_practices
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT best_practices_tags_check CHECK (are_tags(tags)) NOT VALID;
"""

# A generated column would rewrite the table under an exclusive lock. So the column is nullable, a trigger
# writes it, and the next revision fills the practices that are there. The previous release searches
# `search_document`, which stays until a later release.
#
# Weights: title A, problem B, solution C, everything else D; the unchanged words, of which an unfinished word
# is the beginning, D. The benefits are cut, so that the longest practice fits into a tsvector (1 MB).
SEARCH = """
CREATE FUNCTION search_words_of(practice best_practices) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector('english', practice.title), 'A')
        || setweight(to_tsvector('english', coalesce(practice.problem_statement, '')), 'B')
        || setweight(to_tsvector('english', coalesce(practice.solution, '')), 'C')
        || setweight(to_tsvector('english', more.words), 'D')
        || setweight(to_tsvector('simple', concat_ws(E'\\n', practice.title, practice.problem_statement,
                                                     practice.solution, more.words)), 'D')
    FROM (
        SELECT concat_ws(E'\\n', practice.description,
                         left((SELECT string_agg(benefit, E'\\n')
                               FROM jsonb_array_elements_text(practice.benefits) benefit), 10000),
                         practice.area_implemented, array_to_string(practice.tags, E'\\n')) AS words
    ) more
$$;

ALTER TABLE best_practices ADD COLUMN search_words tsvector;

CREATE FUNCTION write_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.search_words IS NULL
       OR (NEW.title, NEW.problem_statement, NEW.solution, NEW.description, NEW.benefits,
           NEW.area_implemented, NEW.tags)
          IS DISTINCT FROM
          (OLD.title, OLD.problem_statement, OLD.solution, OLD.description, OLD.benefits,
           OLD.area_implemented, OLD.tags)
    THEN
        NEW.search_words := search_words_of(NEW);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER practices_searched BEFORE INSERT OR UPDATE ON best_practices
    FOR EACH ROW EXECUTE FUNCTION write_search_words();
"""

DOWN = """
DROP TRIGGER practices_searched ON best_practices;
DROP FUNCTION write_search_words();
DROP FUNCTION search_words_of(best_practices);
ALTER TABLE best_practices DROP COLUMN search_words;
ALTER TABLE best_practices DROP COLUMN tags;
DROP FUNCTION are_tags(text[]);
"""


def upgrade() -> None:
    op.execute(TAGS)
    op.execute(SEARCH)


def downgrade() -> None:
    op.execute(DOWN)
