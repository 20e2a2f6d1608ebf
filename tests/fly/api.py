"""What each request does and is answered; a method for each action of routes.py."""
import datetime
import secrets as random_secrets
import traceback

from answers import Answer, Refusal, error
from checks import check, DURATION, is_text, NAME
from machines import GONE, Machine
from routes import route
from values import seconds_of, signal_number

LEASED = ("update", "start", "stop", "suspend", "cordon", "uncordon", "delete", "lease_create",
          "lease_release")
CHANGES = (*LEASED, "signal", "metadata_set", "metadata_delete")
LEASE_S = 30


class Api:
    def __init__(self, fly):
        self.fly = fly

    def handle(self, request):
        """The answer; waits, where the action or a fault says so, without the lock."""
        fly = self.fly
        methods = route(request)
        with fly.clock.changed:
            fly.requests.append(request)
            if methods is not None:
                fly.deviate(request, "no such endpoint")
                answer = error(405 if methods else 404, "no such endpoint")
                request.status = answer.status
                return answer
            found = check(request)
            for text, _ in found:
                fly.deviate(request, text)
            if request.action == "create":
                request.entry = {"app": request.app, "body": request.json, "at": request.at,
                                 "machine": None, "status": None}
                fly.created.append(request.entry)
        try:
            answer = fly.faults.around(request, lambda: self._serve(request, found))()
        except Exception:
            # No deviation of a client, but no test goes on as if nothing were.
            fly.deviate(request, "the stand-in itself failed: " + traceback.format_exc())
            answer = error(500, "internal error")
        request.status = 0 if answer.is_cut else answer.status
        if request.entry:
            request.entry["status"] = request.status
        return answer

    def _serve(self, request, found):
        fly = self.fly
        try:
            if not request.headers.get("authorization") and request.action != "graphql":
                raise Refusal(401, "authentication required")
            if request.action == "graphql":
                request.token = fly.tokens.find(request.headers.get("authorization", ""))
            else:
                self._authorize(request)
            with fly.clock.changed:
                wait_s = fly.limits.refused_s(request.action, request.machine or request.app or
                                              request.token and request.token["org"])
            if wait_s:
                raise Refusal(429, "rate limit exceeded", headers={
                    "Retry-After": str(wait_s)} if fly.retry_after else None)
            refused = found.answer()
            if refused:
                raise Refusal(*refused)
            with fly.clock.changed:
                if request.action in CHANGES:
                    self._check_change(request)
                return getattr(self, "_" + request.action)(request)
        except Refusal as refusal:
            return refusal.answer

    def _authorize(self, request):
        fly = self.fly
        request.token = fly.tokens.find(request.headers["authorization"],
                                        is_bare=request.action == "logs")
        if request.token is None:
            raise Refusal(401, "the token is not valid")
        if request.app is not None:
            app = fly.apps.get(request.app)
            if app is None:
                raise Refusal(404, f"app not found: {request.app}")
            if not fly.tokens.permits(request.token, request.app, app["org"]):
                raise Refusal(fly.foreign_app_status, f"unauthorized for app {request.app}")

    def _check_change(self, request):
        machine = self._find(request)
        if machine.is_unreachable():
            raise Refusal(503, f"machine {machine.id}: its host is unreachable")
        if request.action not in LEASED:
            return
        lease = machine.held_lease()
        nonce = request.headers.get("fly-machine-lease-nonce")
        if request.action == "lease_release" and not nonce:
            raise Refusal(400, "no fly-machine-lease-nonce header")
        if lease and lease["nonce"] != nonce:
            until = datetime.datetime.fromtimestamp(lease["expires_at"], datetime.timezone.utc)
            text = (f"machine ID {machine.id} lease currently held by {lease['owner']}, "
                    f"expires at {until:%Y-%m-%d %H:%M:%S} +0000 UTC")
            raise Refusal(409, text, status="error", message=text,
                          code=self.fly.lease_conflict_code)

    def _find(self, request):
        machine = self.fly.machine(request.machine)
        if machine is None or machine.app != request.app or not machine.is_visible():
            raise Refusal(404, "machine not found")
        return machine

    def _view(self, machine, request):
        return Answer(200, machine.view(request.headers.get("fly-machine-lease-nonce"),
                                        request.is_unreachable))

    # ---- Machines ----

    def _create(self, request):
        fly, body = self.fly, request.json
        name = body.get("name")
        if fly.names_are_unique and name:
            for other in fly.machines(request.app):
                if other.name == name:
                    raise Refusal(fly.name_taken_status, "already_exists: unique machine name "
                                  f"violation, machine ID {other.id} already exists with name "
                                  f'"{name}"', status="name_taken")
        image = body["config"]["image"]
        if fly.missing_images.get(image) == "refused":
            raise Refusal(400, f"invalid_argument: could not resolve image {image}")
        machine = Machine(fly, request.app, body["config"], body.get("region") or fly.region,
                          name, bool(body.get("skip_launch")))
        machine.quirks.update(request.quirks)
        machine.hidden_until = fly.clock.now() + request.hidden_s
        machine.cordoned = bool(body.get("skip_service_registration"))
        fly.add_machine(machine)
        request.entry["machine"] = machine.id
        nonce = None
        if body.get("lease_ttl"):
            nonce = self._lease(machine, body["lease_ttl"], "", request)["nonce"]
        return Answer(200, machine.view(nonce))

    def _list(self, request):
        wanted = {key[len("metadata."):]: request.one(key) for key in request.query
                  if key.startswith("metadata.")}
        with_deleted = request.one("include_deleted") == "true"
        region = request.one("region")
        machines = []
        for machine in self.fly.all_machines(request.app):
            metadata = machine.config.get("metadata") or {}
            if machine.is_visible() and machine.hidden_until <= self.fly.clock.now() and \
               (with_deleted or machine.state != "destroyed") and \
               region in (None, machine.region) and \
               all(metadata.get(key) == value for key, value in wanted.items()):
                machines.append(machine.view(is_unreachable=request.is_unreachable))
        return Answer(200, machines)

    def _get(self, request):
        return self._view(self._find(request), request)

    def _update(self, request):
        machine, body = self._find(request), request.json
        if machine.state in GONE:
            raise Refusal(412, f"failed_precondition: machine is {machine.state}")
        for key in ("name", "region"):
            if body.get(key) and body[key] != getattr(machine, key):
                self.fly.deviate(request, f"{key} is immutable")
                raise Refusal(400, f"{key} is immutable")
        if body.get("current_version") not in (None, "", machine.instance_id):
            raise Refusal(409, "aborted: current_version is not the Machine's")
        machine.update(body["config"], bool(body.get("skip_launch")))
        if body.get("lease_ttl"):
            self._lease(machine, body["lease_ttl"], "", request)
        return self._view(machine, request)

    def _delete(self, request):
        machine = self._find(request)
        if machine.state == "destroyed":
            raise Refusal(404, "machine not found")
        if machine.state != "destroying" and \
           not machine.destroy("true" in (request.one("force"), request.one("kill"))):
            raise Refusal(412, "failed_precondition: unable to destroy machine, not currently "
                               "stopped or suspended")
        return Answer(200, {"ok": True})

    def _start(self, request):
        machine = self._find(request)
        before = machine.start()
        if before is None:
            raise Refusal(412, "failed_precondition: unable to start machine from current "
                               f"state: '{machine.state}'")
        return Answer(200, {"previous_state": before, "migrated": False, "new_host": ""})

    def _stop(self, request):
        machine = self._find(request)
        timeout = request.json.get("timeout")
        done = machine.stop(self._signal_number(request),
                            seconds_of(timeout, 0) if is_text(timeout) and
                            DURATION.fullmatch(timeout) else None)
        return self._ok(done, machine, "stop")

    def _signal(self, request):
        machine = self._find(request)
        return self._ok(machine.signal(self._signal_number(request)), machine, "signal")

    def _signal_number(self, request):
        value = request.json.get("signal")
        if self.fly.signals not in ("both", "numbers" if isinstance(value, int) else "names") \
           and value is not None:
            raise Refusal(400, f"invalid_argument: signal {value!r}")
        return None if value is None else signal_number(value)

    def _suspend(self, request):
        machine = self._find(request)
        return self._ok(machine.suspend(), machine, "suspend")

    def _ok(self, done, machine, what):
        if not done:
            raise Refusal(412, f"failed_precondition: unable to {what} machine from current "
                               f"state: '{machine.state}'")
        return Answer(200, {"ok": True})

    def _cordon(self, request):
        self._find(request).cordoned = True
        return Answer(200, {"ok": True})

    def _uncordon(self, request):
        self._find(request).cordoned = False
        return Answer(200, {"ok": True})

    def _wait(self, request):
        clock, machine = self.fly.clock, self._find(request)
        states = request.query.get("state") or ["started"]
        version = request.one("instance_id") or request.one("version") or machine.instance_id
        if version not in machine.versions:
            raise Refusal(400, f"invalid_argument: no such instance_id {version}")

        def reached():
            if not machine.is_visible():
                return "gone"
            # The documents: one that asks for an older version is always told "replaced".
            state = machine.state if version == machine.instance_id else "replaced"
            return state in states

        result = clock.wait(reached, request.at + int(request.one("timeout") or 60))
        if clock.closed:
            return Answer(0, is_cut=True)
        if result == "gone":
            raise Refusal(404, "machine not found")
        if not result:
            raise Refusal(408, "deadline_exceeded: machine failed to reach desired state, "
                               f"{', '.join(states)}; it is {machine.state}")
        return Answer(200, {"ok": True})

    def _ps(self, request):
        machine = self._find(request)
        if machine.state != "started":
            raise Refusal(412, "failed_precondition: machine not running")
        return Answer(200, machine.processes())

    # ---- leases and metadata ----

    def _lease(self, machine, ttl_s, description, request):
        machine.lease = {
            "nonce": (machine.lease or {}).get("nonce") or random_secrets.token_hex(6),
            "expires_at": int(self.fly.clock.now() + ttl_s), "owner": request.token["owner"],
            "description": description, "version": machine.instance_id}
        return machine.lease

    def _lease_create(self, request):
        machine = self._find(request)
        if machine.state in GONE:
            raise Refusal(404, "machine not found")
        ttl_s = request.json.get("ttl") or int(request.one("ttl") or LEASE_S)
        return Answer(201, {"status": "success", "data": self._lease(
            machine, ttl_s, request.json.get("description") or "", request)})

    def _lease_get(self, request):
        lease = self._find(request).held_lease()
        if lease is None:
            raise Refusal(404, "lease not found", status="error", message="lease not found",
                          code="not_found")
        is_holder = request.headers.get("fly-machine-lease-nonce") == lease["nonce"]
        return Answer(200, {"status": "success", "data": {
            key: value for key, value in lease.items() if key != "nonce" or is_holder}})

    def _lease_release(self, request):
        machine = self._find(request)
        if machine.held_lease() is None:
            raise Refusal(404, "lease not found", status="error", message="lease not found",
                          code="not_found")
        machine.lease = None
        return Answer(200, {"status": "success", "data": {"ok": True}})

    def _metadata_get(self, request):
        return Answer(200, self._find(request).config.get("metadata") or {})

    def _metadata_set(self, request):
        machine = self._find(request)
        # A new configuration: what was answered or asked for before stays as it was.
        machine.config = {**machine.config, "metadata": {
            **(machine.config.get("metadata") or {}), request.key: request.json["value"]}}
        return Answer(204)

    def _metadata_delete(self, request):
        machine = self._find(request)
        metadata = dict(machine.config.get("metadata") or {})
        if request.key not in metadata:
            raise Refusal(404, f"no metadata {request.key}")
        del metadata[request.key]
        machine.config = {**machine.config, "metadata": metadata}
        return Answer(204)

    # ---- apps, logs, releases ----

    def _app_create(self, request):
        name, org = request.json["app_name"], request.json["org_slug"]
        if name in self.fly.apps or not NAME.fullmatch(name):
            raise Refusal(422, "Validation failed: Name has already been taken"
                          if name in self.fly.apps else "Validation failed: Name is invalid",
                          **({"status": "name_taken"} if name in self.fly.apps else {}))
        if org != request.token["org"] or request.token["apps"] is not None:
            raise Refusal(403, f"unauthorized for organization {org}")
        app = self.fly.app(name, org)
        return Answer(201, {"id": app["id"], "created_at": int(self.fly.clock.now() * 1000)})

    def _app_list(self, request):
        apps = [{"id": app["id"], "name": name, "network": "default", "volume_count": 0,
                 "machine_count": len(self.fly.machines(name))}
                for name, app in self.fly.apps.items() if app["org"] == request.one("org_slug")
                and self.fly.tokens.permits(request.token, name, app["org"])]
        return Answer(200, {"total_apps": len(apps), "apps": apps})

    def _app_get(self, request):
        app = self.fly.apps[request.app]
        return Answer(200, {"id": app["id"], "name": request.app,
                            "status": "deployed" if self.fly.machines(request.app) else
                            "pending",
                            "organization": {"name": app["org"], "slug": app["org"]}})

    def _app_delete(self, request):
        machines = self.fly.machines(request.app)
        if machines and request.one("force") != "true":
            raise Refusal(412, "failed_precondition: the app has Machines")
        for machine in machines:
            machine.destroy(force=True)
        del self.fly.apps[request.app]
        return Answer(202)

    def _logs(self, request):
        return Answer(200, self.fly.logs.page(
            request.app, request.one("instance") or None, request.one("region") or None,
            request.one("next_token") or ""))

    def _graphql(self, request):
        query, variables = request.json["query"], request.json.get("variables") or {}
        if request.token is None:
            return Answer(200, {"errors": [{"message": "You must be authenticated to view this.",
                                            "extensions": {"code": "UNAUTHORIZED"}}]})
        if "currentReleaseUnprocessed" not in query:
            self.fly.deviate(request, "GraphQL is asked for releases alone")
            return Answer(200, {"errors": [{"message": "no such field"}]})
        name = next((name for name, app in self.fly.apps.items()
                     if (name in variables.values() or f'"{name}"' in query)
                     and self.fly.tokens.permits(request.token, name, app["org"])), None)
        if name is None:
            return Answer(200, {"data": {"app": None}, "errors": [
                {"message": "Could not find App", "path": ["app"],
                 "extensions": {"code": "NOT_FOUND"}}]})
        release = self.fly.releases.get(name)
        return Answer(200, {"data": {"app": {"currentReleaseUnprocessed": release and {
            key: value for key, value in release.items() if key in query}}}})
