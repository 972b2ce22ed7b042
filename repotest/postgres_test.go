package repotest_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"repotool/repotest"
)

func TestMain(m *testing.M) {
	if os.Getenv("REPOTEST_VICTIM") != "" {
		os.Args = append(os.Args[:1], "-test.run=^TestVictim$", "-test.v")
	}
	repotest.Main(m)
}

func TestPostgres(t *testing.T) {
	c := repotest.Postgres(t)
	if again := repotest.Postgres(t); again != c {
		t.Error("a second cluster in one process")
	}
	got := c.SQL(t, "postgres", `SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = 'fossy';
		SELECT current_user, current_setting('fsync'), current_setting('server_encoding')`)
	if want := "t|f\npostgres|off|UTF8"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	pid, err := os.ReadFile(c.Dir + "/data/postmaster.pid")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	status, err := os.ReadFile("/proc/" + first + "/status")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(status), "\nUid:\t0\t") {
		t.Error("the cluster runs as root")
	}
}

func TestWrongPassword(t *testing.T) {
	c := repotest.Postgres(t)
	dsn := strings.Replace(c.DSN("postgres"), "password=fossy", "password=wrong", 1)
	out, err := exec.Command(repotest.Tool(t, "psql"), "-d", dsn, "-c", "SELECT 1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "password authentication failed") {
		t.Errorf("got %v: %s", err, out)
	}
}

// TestVictim waits to be killed by TestKilled; in any other run it does nothing.
func TestVictim(t *testing.T) {
	how := os.Getenv("REPOTEST_VICTIM")
	if how == "" {
		return
	}
	c := repotest.Postgres(t)
	fmt.Printf("\nvictim %d %s\n", c.Port, c.Dir)
	if how == "panic" {
		panic("on purpose")
	}
	time.Sleep(time.Minute)
}

// TestKilled shows that a test process that dies leaves neither a server nor files.
func TestKilled(t *testing.T) {
	for _, how := range []string{"kill", "panic"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "REPOTEST_VICTIM="+how)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var port int
			var dir string
			for lines := bufio.NewScanner(stdout); dir == "" && lines.Scan(); {
				fmt.Sscanf(lines.Text(), "victim %d %s", &port, &dir)
			}
			if dir == "" {
				t.Fatal("the victim started no cluster")
			}
			if how == "kill" {
				cmd.Process.Kill()
			}
			cmd.Wait()
			gone := func() bool {
				conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
				if err == nil {
					conn.Close()
					return false
				}
				_, err = os.Stat(dir)
				return os.IsNotExist(err)
			}
			for end := time.Now().Add(patience); !gone(); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("after %v port %d answers or %s exists", patience, port, dir)
				}
			}
		})
	}
}
