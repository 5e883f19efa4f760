-- Questions about a finished run, for DuckDB 1.2 or later. Parquet only: DuckDB reads no Arrow files by itself.
--
--     duckdb -cmd "SET VARIABLE out = 'out/sample'" < examples/queries.sql
--     python examples/duckdb_queries.py out/sample
--
-- OUT in a bucket: INSTALL httpfs; LOAD httpfs; CREATE SECRET (TYPE s3, PROVIDER credential_chain); and an s3:// path.

-- DuckDB takes paths for patterns: what means something in them is put in brackets. It also makes columns of folders with
-- names such as variants=99, in the place of the file's own, unless hive_partitioning is off.
SET VARIABLE run = regexp_replace(getvariable('out'), '([\[*?])', '[\1]', 'g');

-- The manifest names what belongs to the run; a glob over data/ would also find files of a run that is not finished.
CREATE OR REPLACE TEMP VIEW manifest AS
SELECT * FROM read_json(
  getvariable('run') || '/manifest.json', maximum_object_size = 1000000000, hive_partitioning = false,
  columns = {files: 'STRUCT(kind VARCHAR, "key" VARCHAR, "rows" BIGINT, bytes BIGINT)[]', rejectsByCode: 'JSON'});
CREATE OR REPLACE TEMP TABLE files AS
SELECT f.kind, getvariable('run') || '/' || f.key AS path, f.rows, f.bytes FROM (SELECT unnest(files) AS f FROM manifest);

SET VARIABLE data = (SELECT list(path) FROM files WHERE kind = 'data');
CREATE OR REPLACE TEMP VIEW faces AS SELECT * FROM read_parquet(getvariable('data'), hive_partitioning = false);
CREATE OR REPLACE TEMP VIEW people AS
SELECT * FROM read_parquet(getvariable('run') || '/subjects.parquet', hive_partitioning = false);

-- Rows of each kind.
SELECT kind, count(*) AS rows, count(DISTINCT subject_id) AS people FROM faces GROUP BY kind ORDER BY kind;

-- Photographs per person: how many people have how many.
SELECT faces AS photographs, count(*) AS people, avg(variants)::DECIMAL(9, 1) AS variants
FROM people GROUP BY faces ORDER BY faces;

-- People without a usable photograph, or without a variant.
SELECT subject_id, rejects, variants_rejected FROM people WHERE faces = 0 OR variants = 0 ORDER BY subject_id LIMIT 20;

-- Why photographs were rejected. The photographs themselves are in the files of kind 'rejects', where there are any:
-- SET VARIABLE rejects = (SELECT list(path) FROM files WHERE kind = 'rejects');
-- SELECT uri, stage, code, message FROM read_parquet(getvariable('rejects'), hive_partitioning = false);
SELECT key AS reason, value::INT AS photographs
FROM json_each((SELECT "rejectsByCode" FROM manifest))
ORDER BY photographs DESC;

-- Where faces look, in steps of 15°: real ones, and generated ones.
SELECT 15 * round(yaw / 15)::INT AS yaw,
       count(*) FILTER (kind = 'real') AS real,
       count(*) FILTER (kind = 'augmented') AS augmented
FROM faces GROUP BY 1 ORDER BY 1;

-- The mean of each person's real embeddings.
CREATE OR REPLACE TEMP TABLE centroids AS
SELECT subject_id, list(v ORDER BY i) AS centroid
FROM (SELECT subject_id, i, avg(v) AS v
      FROM (SELECT subject_id, unnest(embedding) AS v, generate_subscripts(embedding, 1) AS i FROM faces WHERE kind = 'real')
      GROUP BY subject_id, i)
GROUP BY subject_id;

-- Photographs that look least like the rest of their person: wrong labels show here first. Not by the column similarity:
-- rows that were there before --append keep the centroid of their time.
SELECT face_id, subject_id, list_cosine_similarity(embedding::DOUBLE[], centroid)::DECIMAL(4, 3) AS similarity
FROM faces JOIN centroids USING (subject_id) WHERE kind = 'real' ORDER BY similarity LIMIT 10;

-- Pose coverage gained by the variants.
SELECT avg(pose_coverage_before)::DECIMAL(4, 3) AS before, avg(pose_coverage_after)::DECIMAL(4, 3) AS after FROM people;

-- The two nearest people of each of the first three, by the mean of their real embeddings.
SELECT a.subject_id, b.subject_id AS neighbour, list_cosine_similarity(a.centroid, b.centroid)::DECIMAL(4, 3) AS similarity
FROM (SELECT * FROM centroids ORDER BY subject_id LIMIT 3) a JOIN centroids b ON a.subject_id <> b.subject_id
QUALIFY row_number() OVER (PARTITION BY a.subject_id ORDER BY similarity DESC) <= 2
ORDER BY a.subject_id, similarity DESC;
