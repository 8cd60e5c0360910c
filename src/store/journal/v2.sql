-- Schema 2 of the journal: what models said and what came of it. Shape and rules as in schema 1.

-- Steps of the followed predictions since the checkpoint before. `id`: data time of the checkpoint that they belong to.
CREATE TABLE followed (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX followed_by_id ON followed (session, id);
CREATE TRIGGER followed_keeps_rows BEFORE UPDATE ON followed BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER followed_keeps_all BEFORE DELETE ON followed BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
