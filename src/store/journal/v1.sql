-- Schema 1 of the journal.
--
-- All record tables have one shape. `seq` counts over all tables and is the row's place in the chain; `at` is data time in UTC ms (wall-clock time in
-- `sessions`); `id` is the record's own number; `decision` is written like D1-42; `account` is main or shadow; `json` is the record.
-- `chain` holds, per row, the SHA-256 of the row (`digest`) and of the previous `hash` followed by that digest (`hash`); `head` is its newest link.
-- Rows are never changed, and only checkpoints are ever deleted.

CREATE TABLE chain (
    seq    INTEGER PRIMARY KEY,
    tbl    TEXT NOT NULL,
    digest BLOB NOT NULL,
    hash   BLOB NOT NULL
) STRICT;

CREATE TABLE head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO head (one, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE TRIGGER chain_keeps_rows BEFORE UPDATE ON chain BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER chain_keeps_all BEFORE DELETE ON chain BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Begin and end of each session. `id`: session number.
CREATE TABLE sessions (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_id ON sessions (session, id);
CREATE TRIGGER sessions_keeps_rows BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER sessions_keeps_all BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Inputs and outputs of each analysis cycle, in numbers. `id`: cycle number.
CREATE TABLE cycles (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX cycles_by_id ON cycles (session, id);
CREATE TRIGGER cycles_keeps_rows BEFORE UPDATE ON cycles BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER cycles_keeps_all BEFORE DELETE ON cycles BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Every decision, passed or blocked, with its trace. `id`: decision number.
CREATE TABLE decisions (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_id ON decisions (session, id);
CREATE TRIGGER decisions_keeps_rows BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER decisions_keeps_all BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- What was about to be sent; durable before it left. `id`: order number.
CREATE TABLE intents (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX intents_by_id ON intents (session, id);
CREATE INDEX intents_by_decision ON intents (decision);
CREATE TRIGGER intents_keeps_rows BEFORE UPDATE ON intents BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER intents_keeps_all BEFORE DELETE ON intents BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Each change of an order. `id`: order number.
CREATE TABLE orders (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX orders_by_id ON orders (session, id);
CREATE INDEX orders_by_decision ON orders (decision);
CREATE TRIGGER orders_keeps_rows BEFORE UPDATE ON orders BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER orders_keeps_all BEFORE DELETE ON orders BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Each execution. `id`: fill number.
CREATE TABLE fills (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX fills_by_id ON fills (session, id);
CREATE INDEX fills_by_decision ON fills (decision);
CREATE TRIGGER fills_keeps_rows BEFORE UPDATE ON fills BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER fills_keeps_all BEFORE DELETE ON fills BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- What became of each trade. `id`: decision number.
CREATE TABLE outcomes (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_by_id ON outcomes (session, id);
CREATE INDEX outcomes_by_decision ON outcomes (decision);
CREATE TRIGGER outcomes_keeps_rows BEFORE UPDATE ON outcomes BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER outcomes_keeps_all BEFORE DELETE ON outcomes BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Each alert, and each change of one. `id`: alert number.
CREATE TABLE alerts (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE TRIGGER alerts_keeps_rows BEFORE UPDATE ON alerts BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER alerts_keeps_all BEFORE DELETE ON alerts BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- What a person asked for, and the answer. `id`: command number.
CREATE TABLE commands (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE TRIGGER commands_keeps_rows BEFORE UPDATE ON commands BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER commands_keeps_all BEFORE DELETE ON commands BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Changes of the configuration. `id`: none.
CREATE TABLE config_changes (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE TRIGGER config_changes_keeps_rows BEFORE UPDATE ON config_changes BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER config_changes_keeps_all BEFORE DELETE ON config_changes BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- States a restart continues from; only the newest few are kept. `id`: none.
CREATE TABLE checkpoints (
    seq      INTEGER PRIMARY KEY,
    session  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    id       INTEGER,
    decision TEXT,
    account  TEXT,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_session ON checkpoints (session);
CREATE TRIGGER checkpoints_keeps_rows BEFORE UPDATE ON checkpoints BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
