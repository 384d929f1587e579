-- What a person is to the applications: words in order, separated by single spaces.
ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT '';
