-- The latest time that any process over this file has told, by the minute. Tokens were minted up to then: a start whose clock
-- was set back in between must not forget too early what ended them.
ALTER TABLE meta ADD COLUMN latest INTEGER NOT NULL DEFAULT 0;
