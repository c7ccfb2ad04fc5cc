"""What people call a process, by command lines as the programs of the field leave them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivetuple.kernel.program_names import name_of

PYTHON, JAVA, NODE, DASH = (
    "/usr/bin/python3.11",
    "/usr/lib/jvm/java-17/bin/java",
    "/usr/bin/node",
    "/usr/bin/dash",
)
BEAM = "/usr/lib/erlang/erts-13.1/bin/beam.smp"

# exe, command line (words parted by blanks; a list where a word has one itself), name
CASES = [
    ("/usr/sbin/nginx", "/usr/sbin/nginx -g", "nginx"),
    ("/usr/sbin/nginx (deleted)", "/usr/sbin/nginx", "nginx"),
    ("/usr/lib/systemd/systemd", "/sbin/init splash", "systemd"),
    ("/usr/bin/nc.openbsd", "nc -l 80", "nc"),
    ("/usr/bin/dockerd", "/proc/self/exe --init", "dockerd"),
    ("/opt/claude/versions/1.2.3", "claude --resume", "claude"),
    ("/memfd:runc_cloned:/proc/self/exe (deleted)", "runc init", "runc"),
    ("/home/x/.x/miner", "[kworker/0:1]", "miner"),
    ("/usr/bin/bash", "-bash", "bash"),
    ("", "-zsh", "zsh"),
    ("", "/usr/sbin/cron -f", "cron"),
    # Titles.
    ("/usr/sbin/nginx", ["nginx: worker process"], "nginx"),
    ("/usr/lib/postgresql/15/bin/postgres", ["postgres: 15/main: checkpointer "], "postgres"),
    ("/usr/sbin/sshd", ["sshd: root@pts/0"], "sshd"),
    ("/usr/sbin/sshd", ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"], "sshd"),
    ("", ["sshd: root@pts/0"], "sshd"),
    ("/usr/sbin/php-fpm8.2", ["php-fpm: pool www", "", "", ""], "php-fpm"),
    ("/usr/bin/redis-check-rdb", ["/usr/bin/redis-server 127.0.0.1:6379"], "redis-server"),
    ("/usr/bin/redis-server", ["redis-server *:6379"], "redis-server"),
    (PYTHON, ["gunicorn: master [app:app]"], "gunicorn"),
    (PYTHON, ["[celeryd: celery@host:MainProcess] -active- (worker -A app)"], "celeryd"),
    ("/usr/bin/ruby3.1", ["puma 5.6.5 (tcp://0.0.0.0:3000) [orders]"], "puma"),
    (NODE, ["PM2 v5.3.0: God Daemon (/root/.pm2)"], "PM2"),
    (NODE, ["npm run dev", "", ""], "npm"),
    ("/opt/My App/server", ["/opt/My App/server", "--port", "80"], "server"),
    ("", ["/opt/My App/server", "--port", "80"], "server"),
    ("/opt/google/chrome/chrome", ["/opt/google/chrome/chrome --type=renderer --x=/y/z"], "chrome"),
    # Python.
    (PYTHON, "python3", "python3"),
    (PYTHON, "python3 -m http.server 8000", "http.server"),
    (PYTHON, "python3 -Im http.server", "http.server"),
    (PYTHON, "python3 -umhttp.server", "http.server"),
    (PYTHON, "python /srv/app/manage.py runserver", "manage.py"),
    (PYTHON, "python3 -W ignore -X dev -u /srv/app.py", "app.py"),
    (PYTHON, "python3 -Wignore -O app.py", "app.py"),
    (PYTHON, "/usr/bin/python3 /usr/bin/supervisord -c /etc/supervisord.conf", "supervisord"),
    (PYTHON, "/venv/bin/python /venv/bin/gunicorn app:app -w 4", "gunicorn"),
    (PYTHON, "python3 -m uvicorn app:app", "uvicorn"),
    (PYTHON, "python3 -c import(x)", "python3"),
    (PYTHON, "python3 -", "python3"),
    (PYTHON, "python3 /srv/orders/__main__.py", "orders"),
    (PYTHON, "python3 /srv/orders/", "orders"),
    (PYTHON, "python3 -- -odd.py", "-odd.py"),
    (PYTHON, "python3 /dev/fd/3", "python3"),
    ("/usr/bin/pypy3", "pypy3 server.py", "server.py"),
    # JavaScript.
    (NODE, "node server.js", "server.js"),
    (NODE, "node --max-old-space-size=4096 -r dotenv/config dist/main.js", "main.js"),
    (NODE, "node --inspect=0.0.0.0:9229 /srv/orders/index.js", "orders/index.js"),
    (NODE, "node index.js", "index.js"),
    (NODE, "node ./index.js", "index.js"),
    (NODE, "node -e x", "node"),
    (NODE, "node --run dev", "dev"),
    (NODE, "node /app/node_modules/.bin/vite --host", "vite"),
    ("/root/.deno/bin/deno", "deno run --allow-net https://deno.land/std/http/file_server.ts", "file_server.ts"),
    ("/root/.deno/bin/deno", "deno repl", "deno"),
    ("/root/.bun/bin/bun", "bun run server.ts", "server.ts"),
    # Java and .NET.
    (JAVA, "java -Xmx1g -jar /opt/orders.jar --server.port=80", "orders.jar"),
    (JAVA, "java -cp /a.jar:/b.jar -Dx=y com.x.Main arg", "com.x.Main"),
    (JAVA, "java -p mods -m shop/com.x.Main", "com.x.Main"),
    (JAVA, "java @/etc/jvm.options org.elasticsearch.bootstrap.Elasticsearch", "org.elasticsearch.bootstrap.Elasticsearch"),
    (JAVA, "java -version", "java"),
    ("/usr/bin/mono-sgen", "/usr/bin/mono /usr/lib/app/app.exe", "app.exe"),
    ("/usr/share/dotnet/dotnet", "dotnet exec --depsfile a.json Shop.dll", "Shop.dll"),
    ("/usr/share/dotnet/dotnet", "dotnet Shop.dll", "Shop.dll"),
    ("/usr/share/dotnet/dotnet", "dotnet run --project src", "dotnet"),
    # Others.
    ("/usr/bin/perl", "/usr/bin/perl -w -Mfeature=say -I lib /usr/bin/starman", "starman"),
    ("/usr/bin/perl", "perl -we x", "perl"),
    ("/usr/bin/ruby3.1", "ruby -W0 -r bundler/setup bin/rails server", "rails"),
    ("/usr/bin/php8.2", "php artisan serve", "artisan"),
    ("/usr/bin/php8.2", "php -S 0.0.0.0:8000 -t public", "php"),
    ("/usr/bin/php8.2", "php -d x=y -f worker.php", "worker.php"),
    ("/usr/bin/lua5.4", "lua5.4 -l socket server.lua", "server.lua"),
    (BEAM, f"{BEAM} -W w -- -root /usr/lib/erlang -- -noshell -s rabbit boot -boot start_sasl", "rabbit"),
    (BEAM, f"{BEAM} -- -noshell -s elixir start_cli -sname shop@host", "shop"),
    (BEAM, BEAM, "beam.smp"),
    # Shells.
    (DASH, "sh -c sleep", "sh"),
    (DASH, "/bin/sh /usr/local/bin/run.sh", "run.sh"),
    (DASH, "sh -ec exec", "sh"),
    ("/usr/bin/bash", "bash -euo pipefail /entrypoint.sh", "entrypoint.sh"),
    ("/usr/bin/bash", "bash --rcfile x", "bash"),
    # One file, many programs.
    ("/bin/busybox", "httpd -f", "httpd"),
    ("/bin/busybox", "busybox httpd -f", "httpd"),
    ("/bin/busybox", "/bin/sh /start.sh", "start.sh"),
    ("/bin/busybox", "busybox", "busybox"),
    ("/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1 --library-path /x /app/server", "server"),
]  # fmt: skip


@pytest.mark.parametrize(("exe", "argv", "name"), CASES, ids=str)
def test_name_is_what_a_person_would_say(exe, argv, name):
    words = argv.split() if isinstance(argv, str) else argv

    assert name_of(b"MainThread", exe.encode(), tuple(word.encode() for word in words)) == name


def test_name_of_a_thread_serves_when_nothing_else_is_known():
    assert name_of(b"kworker/0:1", b"", ()) == "kworker/0:1"


def test_windows_paths_are_understood():
    argv = (rb"C:\Python311\python.exe", rb"C:\srv\app.py")

    assert name_of(b"", argv[0], argv) == "app.py"
    assert name_of(b"", rb"C:\nginx\nginx.exe", (b"nginx",)) == "nginx"


def test_bytes_that_are_no_text_are_spelled_out():
    assert name_of(b"", b"/tmp/a\xffb", ()) == "a\\xffb"


def test_name_is_never_longer_than_a_file_name():
    assert len(name_of(b"", b"", (b"x" * 65536,))) == 255


WORDS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            b"python3",
            b"node",
            b"java",
            b"sh",
            b"busybox",
            b"-m",
            b"-jar",
            b"--",
            b"-",
            b"-c",
            b"a: b",
            b"/",
            b"./",
            b"beam.smp",
            b"-s",
        ]
    ),
)


@given(comm=st.binary(max_size=16), exe=WORDS, argv=st.lists(WORDS, max_size=6).map(tuple))
def test_every_command_line_has_a_name(comm, exe, argv):
    name = name_of(comm, exe, argv)

    assert 0 < len(name) <= 4 * 255
