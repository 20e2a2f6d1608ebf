"""One Machine: its states, versions, events and lease, and the runs of its command.

Everything here is called with the clock's lock held."""
import random
import signal
import uuid

from guest import PATH, Guest
from values import image_ref, rfc3339, seconds_of, signal_number, ulid, whole_second

GONE = ("destroying", "destroyed")
RESTARTS_MAX = 10
RESTARTS_WITHIN_S = 300
STOP_TIMEOUT_S = 5


class Machine:
    def __init__(self, fly, app, config, region, name, skip_launch):
        self.fly = fly
        self.app = app
        # No other stand-in's, either: what it runs is found, and ended, by it.
        self.id = uuid.uuid4().hex[:14]
        self.name = name or f"quiet-thunder-{random.randrange(10000)}-{self.id[:4]}"
        self.region = region
        self.config = config
        self.instance_id = ulid(fly.clock.now())
        self.versions = [self.instance_id]
        self.state = "created"
        self.created_at = self.updated_at = fly.clock.now()
        self.destroyed_at = None
        self.cordoned = False
        self.events = []  # newest first
        self.lease = None
        # Of its health checks, and of the sockets that its processes listen on, it tells
        # what a test has said: see Fly.set_check and Fly.listen.
        self.checks = {}
        self.sockets = []
        # What really happened, whatever the events tell: a dictionary for each time the
        # command ran, with its "pid", "began", "ended" and "code" (-9 is SIGKILL).
        self.runs = []
        # Faults of this Machine alone: see faults.py.
        self.quirks = {}
        self.hidden_until = 0
        self.unreachable_until = 0
        self._guest = None
        self._was_asked_to_stop = False
        self._oom = False
        self._restarts = []
        self._skip_launch = skip_launch
        self._then = None  # what follows the end of a run, where it is not the usual
        self._event("launch", "created", "user")
        if not skip_launch:
            self._launch()

    # ---- what requests do ----

    def start(self):
        """The state it was in, or None where it cannot be started."""
        before = self.state
        if before == "suspended":
            self._guest.signal_all(signal.SIGCONT)
            self._become("started")
            self._event("start", "started", "flyd")
        elif before in ("created", "stopped", "failed"):
            self._restarts.clear()
            self._launch()
        elif before not in ("started", "starting"):
            return None
        return before

    def stop(self, number=None, timeout_s=None):
        """Whether it can be stopped."""
        if self.state in ("stopped", "stopping"):
            return True
        if self.state == "restarting":
            self._become("stopped")
            return True
        if self.state not in ("started", "suspended"):
            return False
        stop_config = self.config.get("stop_config") or {}
        number = number or signal_number(stop_config.get("signal") or "SIGINT")
        if timeout_s is None:
            timeout_s = seconds_of(stop_config.get("timeout"), STOP_TIMEOUT_S)
        guest = self._guest
        self._was_asked_to_stop = True
        self._become("stopping")
        guest.signal_all(signal.SIGCONT)
        guest.signal(number)
        # If that run is over by then, nothing happens.
        self.fly.clock.after(timeout_s, lambda: guest.signal_all(signal.SIGKILL))
        return True

    def signal(self, number):
        if self.state != "started":
            return False
        self._guest.signal(number)
        return True

    def suspend(self):
        if self.state != "started":
            return False
        self._guest.signal_all(signal.SIGSTOP)
        self._become("suspended")
        return True

    def update(self, config, skip_launch):
        self.config = config
        self.instance_id = ulid(self.fly.clock.now())
        self.versions.append(self.instance_id)
        self._event("update", "replacing", "user")
        self._restarts.clear()
        self._skip_launch = skip_launch
        if self._is_running():
            self.stop()
            self._then = self._updated
            self._become("replacing")
        else:
            self._updated()

    def destroy(self, force):
        """Whether it can be: one that runs only by force."""
        if not force and (self._is_running() or self.state in ("starting", "restarting")):
            return False
        self._become("destroying")
        self._was_asked_to_stop = True
        self._destroy("user")
        return True

    # ---- what befalls it ----

    def oom(self):
        self._oom = True
        self._guest.signal_all(signal.SIGKILL)

    def lose(self):
        """The host is gone, the Machine with it: no exit event, ever."""
        self.quirks["no_exit_event"] = True
        self._destroy("flyd")

    def end(self):
        """The stand-in closes."""
        if self._guest:
            self._guest.signal_all(signal.SIGKILL)
            return self._guest.thread
        return None

    # ---- the life of it ----

    def _is_running(self):
        return self._guest is not None

    def _become(self, state):
        self.state = state
        self.updated_at = self.fly.clock.now()
        self.fly.clock.changed.notify_all()

    def _launch(self):
        version = self.instance_id
        self.fly.clock.after(self.fly.launch_delay_s, lambda: self._boot(version))

    def _boot(self, version):
        if self.instance_id != version or self._is_running() or self.fly.is_closed or \
           self.state not in ("created", "stopped", "failed", "restarting"):
            return
        stuck = self.quirks.get("stuck")
        if stuck:
            self._become(stuck)
            return
        missing = self.quirks.get("start_failed") or self.fly.missing_images.get(
            self.config["image"])
        if self.state != "restarting":
            self._say("Pulling container image " + self.config["image"], "runner")
        if missing:
            self._become(missing)
            if missing == "launch_failed":
                self.fly.clock.after(self.fly.launch_failed_s, lambda: self._destroy("flyd"))
            return
        self._become("starting")
        self._say("Configuring firecracker", "runner")
        argv = self._argv()
        self._say("Starting init (commit: 08b4c2b)...", "app")
        self._say(f"Preparing to run: `{' '.join(argv)}` as root", "app")
        self._was_asked_to_stop = self._oom = False
        self._guest = guest = Guest(argv, self._env(), self._print,
                                    lambda code: self._ended(guest, code))
        self.runs.append({"pid": guest.pid, "began": self.fly.clock.now(),
                          "ended": None, "code": None})
        self._become("started")
        self._event("start", "started", "flyd")
        guest.begin()

    def _argv(self):
        init = self.config.get("init") or {}
        process = (self.config.get("processes") or [{}])[0]
        image = self.fly.image_commands.get(self.config["image"], ["true"])
        if init.get("exec"):
            return init["exec"]
        for source in (init, process):
            if source.get("exec"):
                return source["exec"]
            if source.get("entrypoint") or source.get("cmd"):
                return (source.get("entrypoint") or []) + (source.get("cmd") or [])
        return image

    def _env(self):
        process = (self.config.get("processes") or [{}])[0]
        return {"PATH": PATH, **self.fly.secrets.get(self.app, {}),
                **(self.config.get("env") or {}), **(process.get("env") or {}),
                "FLY_APP_NAME": self.app, "FLY_MACHINE_ID": self.id, "FLY_REGION": self.region,
                "FLY_IMAGE_REF": self.config["image"]}

    def _print(self, text):
        self.fly.logs.add(self.app, self.id, self.region, text)

    def _say(self, text, provider):
        """A line of Fly's own among the Machine's."""
        if self.fly.platform_lines:
            self.fly.logs.add(self.app, self.id, self.region, text, provider, is_platform=True)

    def _ended(self, guest, code):
        with self.fly.clock.changed:
            self._guest = None
            self.runs[-1].update(ended=self.fly.clock.now(), code=code)
            if self.fly.is_closed:
                return
            restarts = self._restarts_after(code)
            self._exit_event(code, restarts)
            if restarts:
                self._restarts.append(self.fly.clock.now())
                self._become("restarting")
                version = self.instance_id
                self.fly.clock.after(self.fly.restart_delay_s, lambda: self._boot(version))
                return
            exit_code = code if code >= 0 else 128 - code
            self._say(f"machine exited with exit code {exit_code}, not restarting", "runner")
            then, self._then = self._then, None
            if then:
                then()
            elif self.quirks.get("destroyed_without_exit"):
                self._destroy("flyd")
            else:
                self._become("stopped")
                if self.config.get("auto_destroy"):
                    self._destroy("flyd")

    def _restarts_after(self, code):
        if self._was_asked_to_stop or self._then or self.quirks.get("destroyed_without_exit"):
            return False
        restart = self.config.get("restart") or {}
        policy = restart.get("policy") or "on-failure"
        if policy == "always":
            return True
        if policy == "no" or code == 0:
            return False
        most = restart.get("max_retries")
        since = self.fly.clock.now() - RESTARTS_WITHIN_S
        return len([at for at in self._restarts if at > since]) < \
            (RESTARTS_MAX if most is None else most)

    def _updated(self):
        self._become("created")
        if not self._skip_launch:
            self._launch()

    def _destroy(self, source):
        if self.state == "destroyed":
            return
        if self._is_running():
            self._then = lambda: self._destroy(source)
            self._guest.signal_all(signal.SIGKILL)
            return
        self._become("destroying")
        self.fly.clock.after(self.fly.destroy_delay_s, lambda: self._destroyed(source))

    def _destroyed(self, source):
        if self.state != "destroyed":
            self.destroyed_at = self.fly.clock.now()
            self.lease = None
            self._become("destroyed")
            self._event("destroy", "destroyed", source)

    # ---- events ----

    def _event(self, kind, status, source, request=None):
        now = self.fly.clock.now()
        event = {"id": ulid(now), "type": kind, "status": status, "source": source,
                 "timestamp": int(now * 1000)}
        if request is not None:
            event["request"] = request
        late = self.quirks.get("late_events", 0) if kind != "launch" else 0
        self.events.insert(0, (now + late, event))

    def _exit_event(self, code, restarting):
        if self.quirks.get("no_exit_event") or self.quirks.get("destroyed_without_exit"):
            return
        if self.quirks.get("exit_without_request"):
            self._event("exit", "stopped", "flyd")
            return
        now = self.fly.clock.now()
        number = -code if code < 0 else -1
        exit_event = {
            "exit_code": code if code >= 0 else 128 - code,
            "exited_at": int(now * 1000) if self.fly.exited_at == "ms" else
            rfc3339(int(now * 10 ** 9)),
            "guest_exit_code": 0, "guest_signal": -1, "oom_killed": self._oom,
            "requested_stop": self._was_asked_to_stop, "restarting": restarting, "signal": -1,
        }
        if self.fly.signals_as == "both" and number > 0:
            exit_event.update(guest_signal=number)
        elif self.fly.signals_as == "signal" and number > 0:
            exit_event.update(exit_code=0, guest_signal=number, signal=number)
        if self.fly.omit_zeros:
            exit_event = {key: value for key, value in exit_event.items() if value}
        count = len(self._restarts)
        request = {} if self.fly.omit_zeros and not count else {"restart_count": count}
        if self.fly.exit_events_in in ("exit_event", "both"):
            request["exit_event"] = exit_event
        if self.fly.exit_events_in in ("MonitorEvent", "both"):
            request["MonitorEvent"] = {"exit_event": exit_event}
        self._event("exit", "stopped", "flyd", request)

    # ---- how it looks ----

    def is_visible(self):
        """A destroyed Machine can be asked for, for a while."""
        return self.destroyed_at is None or \
            self.fly.clock.now() < self.destroyed_at + self.fly.destroyed_visible_s

    def held_lease(self):
        if self.lease and self.lease["expires_at"] <= self.fly.clock.now():
            self.lease = None
        return self.lease

    def is_unreachable(self):
        return self.fly.clock.now() < self.unreachable_until

    def processes(self):
        """As /ps tells them: Fly's init, Fly's sshd and what a test has said."""
        rows = [("/fly/init", []), ("/.fly/hallpass", [("tcp", "[fdaa:0:18:a7b::2]:22")]),
                *((command, [(proto, address)]) for command, proto, address in self.sockets)]
        return [{"pid": 300 + number, "stime": 0, "rtime": 7, "command": command,
                 "directory": "/", "cpu": 0, "rss": 5181440,
                 "listen_sockets": [{"proto": proto, "address": address}
                                    for proto, address in sockets]}
                for number, (command, sockets) in enumerate(rows)]

    def view(self, nonce=None, is_unreachable=False):
        """Its JSON; the lease's nonce is for its holder alone."""
        now = self.fly.clock.now()
        is_unreachable = is_unreachable or self.is_unreachable()
        view = {
            "id": self.id, "name": self.name, "state": self.state, "region": self.region,
            "image_ref": image_ref(self.config["image"]), "instance_id": self.instance_id,
            "version": self.instance_id, "private_ip": f"fdaa:0:18:a7b:{self.id[:4]}:2",
            "created_at": whole_second(self.created_at),
            "updated_at": whole_second(self.updated_at),
            "host_status": "unreachable" if is_unreachable else "ok",
            "cordoned": self.cordoned, "checks": list(self.checks.values()),
        }
        if is_unreachable:
            view["incomplete_config"] = {key: self.config[key] for key in ("image", "metadata",
                                                                           "guest")
                                         if key in self.config}
        else:
            view["config"] = self.config
            view["events"] = [event for visible_at, event in self.events if visible_at <= now]
        if nonce and self.held_lease() and self.lease["nonce"] == nonce:
            view["nonce"] = nonce
        return view
