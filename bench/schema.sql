-- The tables of FOSSology's database that say what its files are and what its agents do,
-- with the columns and the indexes that FOSSology gives them.
CREATE TABLE upload (
	upload_pk serial PRIMARY KEY, upload_desc text, upload_filename text NOT NULL, user_fk integer,
	upload_mode integer NOT NULL, upload_ts timestamptz NOT NULL DEFAULT now(), pfile_fk integer, upload_origin text,
	uploadtree_tablename varchar(18) NOT NULL DEFAULT 'uploadtree_a', expire_date date, expire_action char(1), public_perm integer);
CREATE TABLE pfile (
	pfile_pk serial PRIMARY KEY, pfile_md5 char(32) NOT NULL, pfile_sha1 char(40) NOT NULL, pfile_sha256 char(64),
	pfile_size bigint NOT NULL, pfile_mimetypefk integer, UNIQUE (pfile_md5, pfile_sha1, pfile_sha256, pfile_size));
CREATE INDEX ON pfile (pfile_sha1);
CREATE TABLE uploadtree (
	uploadtree_pk serial PRIMARY KEY, parent integer, realparent integer, upload_fk integer NOT NULL, pfile_fk integer,
	ufile_mode integer, lft integer, rgt integer, ufile_name text);
CREATE TABLE uploadtree_a (PRIMARY KEY (uploadtree_pk), FOREIGN KEY (upload_fk) REFERENCES upload ON DELETE CASCADE) INHERITS (uploadtree);
CREATE INDEX ON uploadtree_a (parent);
CREATE INDEX ON uploadtree_a (pfile_fk);
CREATE INDEX ON uploadtree_a (upload_fk, lft, ufile_mode, pfile_fk);
CREATE TABLE job (
	job_pk serial PRIMARY KEY, job_queued timestamptz, job_priority integer NOT NULL DEFAULT 0, job_email_notify text, job_name text,
	job_upload_fk integer, job_folder_fk integer, job_user_fk integer, job_group_fk integer);
CREATE TABLE jobqueue (
	jq_pk serial PRIMARY KEY, jq_job_fk integer NOT NULL, jq_type text NOT NULL, jq_args text, jq_starttime timestamptz,
	jq_endtime timestamptz, jq_endtext text, jq_end_bits smallint NOT NULL DEFAULT 0, jq_schedinfo text,
	jq_itemsprocessed integer DEFAULT 0, jq_log text, jq_runonpfile text, jq_host text, jq_cmd_args text);
CREATE TABLE jobdepends (jdep_jq_fk integer, jdep_jq_depends_fk integer);
CREATE TABLE users (user_pk serial PRIMARY KEY, user_name text NOT NULL, root_folder_fk integer NOT NULL);
CREATE TABLE folder (folder_pk serial PRIMARY KEY, folder_name text NOT NULL, user_fk integer, folder_desc text, folder_perm integer);
CREATE TABLE foldercontents (foldercontents_pk serial PRIMARY KEY, parent_fk integer NOT NULL, foldercontents_mode integer NOT NULL, child_id integer NOT NULL);
CREATE TABLE agent (agent_pk serial PRIMARY KEY, agent_name varchar(32) NOT NULL, agent_rev text, agent_desc varchar(255),
	agent_enabled boolean DEFAULT true, agent_parms text, agent_ts timestamptz DEFAULT now());
CREATE TABLE ars_master (
	ars_pk serial PRIMARY KEY, agent_fk integer NOT NULL, upload_fk integer NOT NULL, ars_success boolean NOT NULL DEFAULT false,
	ars_status text, ars_starttime timestamptz NOT NULL DEFAULT now(), ars_endtime timestamptz);
CREATE TABLE ununpack_ars () INHERITS (ars_master);
INSERT INTO folder (folder_pk, folder_name, user_fk) VALUES (1, 'Software Repository', 1);
INSERT INTO users (user_pk, user_name, root_folder_fk) VALUES (1, 'fossy', 1);
INSERT INTO agent (agent_pk, agent_name, agent_rev, agent_ts) VALUES (1, 'ununpack', 'made', '2019-03-01 00:00:00+00');
