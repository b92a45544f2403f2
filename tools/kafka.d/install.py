# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka in the cache: its jars from Maven, and two things that are made once because they cost seconds.

    <home>/<version>/libs           the jars
    <home>/<version>/bootstrap      what Kafka's own formatter writes into new storage (the features of that version)
    <home>/<version>/classes-*.jsa  the JVM's archive of loaded classes: start-up in half the time

<home> is $FAIRUSE_KAFKA_HOME or build/kafka. Processes that start together wait for the first.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess

from system import Refusal, locked, say

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSIONS = {"3.9": "3.9.1", "4.1": "4.1.0"}
HERE = pathlib.Path(__file__).resolve().parent


def command(name, package):
    home = os.environ.get("JAVA_HOME")
    own = home and shutil.which(name, path=os.path.join(home, "bin"))
    found = own or shutil.which(name)
    if not found:
        raise Refusal(f"{name} is missing; tools/setup installs it (Debian package {package})")
    return found


class Kafka:
    """One version in the cache."""

    def __init__(self, version):
        self.version = VERSIONS.get(version, version)
        if self.version not in VERSIONS.values():
            raise Refusal(f"no version {version}; there are {', '.join(VERSIONS)}")
        home = os.environ.get("FAIRUSE_KAFKA_HOME") or ROOT / "build" / "kafka"
        self.home = pathlib.Path(home).resolve() / self.version
        self.libs = self.home / "libs"
        self.bootstrap = self.home / "bootstrap"
        self.java = command("java", "openjdk-17-jre-headless")
        # The archive fits the JVM that wrote it; another one would ignore it.
        jvm = pathlib.Path(self.java).resolve()
        identity = hashlib.sha256(f"{jvm} {jvm.stat().st_mtime_ns}".encode()).hexdigest()[:8]
        self.classes = self.home / f"classes-{identity}.jsa"

    def _has_classes(self):
        return self.classes.exists() and self.classes.stat().st_size > 0

    def java_command(self, main, *arguments, options=()):
        jars = ":".join(str(jar) for jar in sorted(self.libs.glob("*.jar")))
        share = [f"-XX:SharedArchiveFile={self.classes}"] if self._has_classes() else []
        quiet = ["-Xlog:disable", "-Xlog:all=error:stderr", "-XX:-UsePerfData", "-XX:+UseSerialGC"]
        return [self.java, *share, *quiet, *options, "-cp", jars, main, *map(str, arguments)]

    def format(self, properties, cluster_id, users=None):
        """Let Kafka format the storage that `properties` names, with SCRAM `users` {name: password}."""
        scram = []
        for name, password in (users or {}).items():
            scram += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        arguments = ["format", "-t", cluster_id, "-c", properties, *scram]
        options = ["-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
        run(self.java_command("kafka.tools.StorageTool", *arguments, options=options), "formatting the storage")

    def fetch(self):
        """Have everything in the cache."""
        if self.libs.exists() and self.bootstrap.exists() and self.classes.exists():
            return
        with locked(self.home):
            if not self.libs.exists():
                self._fetch_jars()
            if not self.bootstrap.exists():
                self._make_bootstrap()
            if not self.classes.exists():
                self._make_classes()

    def _fetch_jars(self):
        say(f"fetching Apache Kafka {self.version} with Maven (once, 45 MB)")
        partial = self.home / "libs.partial"
        shutil.rmtree(partial, ignore_errors=True)
        maven = [command("mvn", "maven"), "-q", "-B", "-C", "-f", HERE / "pom.xml", f"-Dkafka.version={self.version}"]
        run([*maven, f"-Dlibs={partial}", "dependency:copy-dependencies"], "mvn")
        partial.rename(self.libs)

    def _make_bootstrap(self):
        partial = self.home / "bootstrap.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        properties = self.home / "bootstrap.properties"
        properties.write_text(
            "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:1\n"
            "listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n"
            f"log.dirs={partial}\n",
            encoding="ascii",
        )
        self.format(properties, "AAAAAAAAAAAAAAAAAAAAAA")
        (partial / "meta.properties").unlink()
        partial.rename(self.bootstrap)

    def _make_classes(self):
        """Run a broker once and let its JVM write down at its end which classes it had loaded."""
        from cluster import Cluster

        say(f"preparing Apache Kafka {self.version} for fast starts (once, 10 s)")
        partial = self.home / "classes.partial"
        partial.unlink(missing_ok=True)
        cluster = Cluster(self.home / "training")
        cluster.remove()
        cluster.create("training", self.version, fetched=True)
        cluster.start([f"-XX:ArchiveClassesAtExit={partial}"], with_parent=os.getpid(), fetched=True)
        cluster.topic("training")
        cluster.stop()
        cluster.remove()
        if partial.exists():
            partial.rename(self.classes)
        else:
            say("this JVM wrote no archive of classes; brokers will need 2 s longer")
            self.classes.touch()


def run(arguments, what):
    program = list(map(str, arguments))
    done = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-3000:]}")
