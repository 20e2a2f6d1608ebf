"""Which request is which action, as the documents list them."""
import urllib.parse

APP = ("v1", "apps", "{app}")
MACHINE = (*APP, "machines", "{machine}")
ROUTES = [
    ("POST", ("v1", "apps"), "app_create"),
    ("GET", ("v1", "apps"), "app_list"),
    ("GET", APP, "app_get"),
    ("DELETE", APP, "app_delete"),
    ("POST", (*APP, "machines"), "create"),
    ("GET", (*APP, "machines"), "list"),
    ("GET", MACHINE, "get"),
    ("POST", MACHINE, "update"),
    ("DELETE", MACHINE, "delete"),
    ("POST", (*MACHINE, "start"), "start"),
    ("POST", (*MACHINE, "stop"), "stop"),
    ("POST", (*MACHINE, "suspend"), "suspend"),
    ("POST", (*MACHINE, "signal"), "signal"),
    ("POST", (*MACHINE, "cordon"), "cordon"),
    ("POST", (*MACHINE, "uncordon"), "uncordon"),
    ("GET", (*MACHINE, "wait"), "wait"),
    ("GET", (*MACHINE, "ps"), "ps"),
    ("POST", (*MACHINE, "lease"), "lease_create"),
    ("GET", (*MACHINE, "lease"), "lease_get"),
    ("DELETE", (*MACHINE, "lease"), "lease_release"),
    ("GET", (*MACHINE, "metadata"), "metadata_get"),
    ("POST", (*MACHINE, "metadata", "{key}"), "metadata_set"),
    ("DELETE", (*MACHINE, "metadata", "{key}"), "metadata_delete"),
    ("GET", ("api", "v1", "apps", "{app}", "logs"), "logs"),
    ("POST", ("graphql",), "graphql"),
]
ACTIONS = [action for _, _, action in ROUTES]


def route(request):
    """Names the request's action, app, Machine and key; the methods of its path where the
    method is none of them, () where there is no such path, None when all is well."""
    words = [urllib.parse.unquote(word) for word in request.path.split("/")[1:]]
    methods = []
    for method, pattern, action in ROUTES:
        if len(pattern) != len(words) or not all(
                word if part.startswith("{") else part == word
                for part, word in zip(pattern, words)):
            continue
        if method != request.method:
            methods.append(method)
            continue
        request.action = action
        for part, word in zip(pattern, words):
            if part.startswith("{"):
                setattr(request, part.strip("{}"), word)
        return None
    return tuple(methods)
