package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// upload does what FOSSology does with a new archive of two files: gold and
// files appear in the repository, rows in the database.
func (d *demo) upload() (string, error) {
	files := []struct{ name, content string }{
		{"hello-2.0.tar", strings.Repeat("not quite a tar, but nobody looks inside\n", 4000)},
		{"hello.c", "/* SPDX-License-Identifier: MIT */\nint main(void) { return 0; }\n"},
		{"COPYING", "Permission is hereby granted, free of charge, to any person …\n"},
	}
	var sql strings.Builder
	fmt.Fprintf(&sql, "BEGIN; INSERT INTO upload (upload_filename, upload_mode, upload_origin) VALUES ('%s', 104, '%[1]s');\n", files[0].name)
	for i, f := range files {
		name, err := d.store("files", f.content)
		if err != nil {
			return "", err
		}
		sum := strings.Split(strings.ToUpper(name), ".")
		fmt.Fprintf(&sql, "INSERT INTO pfile (pfile_sha1, pfile_md5, pfile_sha256, pfile_size) VALUES ('%s', '%s', '%X', %s);\n",
			sum[0], sum[1], sha256.Sum256([]byte(f.content)), sum[2])
		if i == 0 {
			if _, err := d.store("gold", f.content); err != nil {
				return "", err
			}
			sql.WriteString("UPDATE upload SET pfile_fk = currval('pfile_pfile_pk_seq') WHERE upload_pk = currval('upload_upload_pk_seq');\n")
		}
		parent, mode := "currval('uploadtree_uploadtree_pk_seq')", 0o100660
		if i == 0 {
			parent, mode = "NULL", 0x20000000
		}
		fmt.Fprintf(&sql, "INSERT INTO uploadtree_a (parent, upload_fk, pfile_fk, ufile_mode, lft, rgt, ufile_name) "+
			"SELECT %s, currval('upload_upload_pk_seq'), currval('pfile_pfile_pk_seq'), %d, %d, %d, '%s';\n",
			parent, mode, i+1, 2*len(files)-i, f.name)
	}
	sql.WriteString("COMMIT;")
	_, err := d.cluster.Query(d.db, sql.String())
	return fmt.Sprintf("uploaded   %s: 1 gold, %d files, %d rows", files[0].name, len(files), 2*len(files)+1), err
}

// store writes content into the repository and returns its name.
func (d *demo) store(typ, content string) (string, error) {
	name := fmt.Sprintf("%x.%x.%d", sha1.Sum([]byte(content)), md5.Sum([]byte(content)), len(content))
	path := d.path(typ, name)
	return name, errors.Join(os.MkdirAll(filepath.Dir(path), 0o770), os.WriteFile(path, []byte(content), 0o660))
}

// path returns where FOSSology keeps a file.
func (d *demo) path(typ, name string) string {
	name = strings.ToLower(name)
	return filepath.Join(d.repository, "localhost", typ, name[0:2], name[2:4], name[4:6], name)
}

// deleteUpload does what delagent does: the files go first, then the rows.
func (d *demo) deleteUpload() (string, error) {
	row, err := d.cluster.Query(d.db, `
		SELECT upload_pk, upload_filename, pfile_pk, pfile_sha1 || '.' || pfile_md5 || '.' || pfile_size
		FROM upload JOIN pfile ON pfile_pk = upload.pfile_fk
		WHERE (SELECT count(*) FROM uploadtree_a WHERE upload_fk = upload_pk) = 1
		AND NOT EXISTS (SELECT FROM uploadtree_a t WHERE t.pfile_fk = pfile_pk AND t.upload_fk <> upload_pk)
		ORDER BY upload_pk LIMIT 1`)
	if err != nil {
		return "", err
	}
	cols := strings.Split(row, "|")
	if len(cols) != 4 {
		return "", fmt.Errorf("no upload to delete: %q", row)
	}
	_, err = d.cluster.Query(d.db, fmt.Sprintf(`BEGIN;
		DELETE FROM uploadtree_a WHERE upload_fk = %[1]s;
		UPDATE upload SET pfile_fk = NULL, expire_action = 'd', expire_date = now() WHERE upload_pk = %[1]s;
		DELETE FROM pfile WHERE pfile_pk = %[2]s;
		COMMIT;`, cols[0], cols[2]))
	return "deleted    " + cols[1] + ": its gold, its file, its rows",
		errors.Join(os.Remove(d.path("gold", cols[3])), os.Remove(d.path("files", cols[3])), err)
}

// rewrite does what ununpack does with a file that is there already: the same
// bytes come again, with a new inode and a new time.
func (d *demo) rewrite() (string, error) {
	var rewritten int
	for name := range d.names("files") {
		path := d.path("files", name)
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		if err := errors.Join(os.WriteFile(path+".I", content, 0o660), os.Rename(path+".I", path)); err != nil {
			return "", err
		}
		if rewritten++; rewritten == 100 {
			break
		}
	}
	return fmt.Sprintf("rewritten  %d files: new inode, new time, same bytes (rsync would store them again)", rewritten), nil
}
