"""Who may ask for what: tokens of an organization, and those of some of its apps."""


class Tokens:
    def __init__(self):
        self._known = {}

    def add(self, text, org="personal", apps=None, owner="tests@example.com"):
        """With apps it is as a deploy token, good for these alone."""
        self._known[text] = {"org": org, "apps": None if apps is None else tuple(apps),
                             "owner": owner}

    def remove(self, text):
        del self._known[text]

    def find(self, header, is_bare=False):
        """Of an Authorization header: `Bearer TOKEN`, `FlyV1 TOKEN[,TOKEN]`, and what
        `fly tokens deploy` prints behind a Bearer, `Bearer FlyV1 TOKEN`; the log API takes a
        token without a scheme, too."""
        words = header.split()
        schemes = [word for word in words[:-1] if word in ("Bearer", "FlyV1")]
        if not words or len(schemes) != len(words) - 1 or not (schemes or is_bare):
            return None
        return next((self._known[token] for token in words[-1].split(",")
                     if token in self._known), None)

    @staticmethod
    def permits(token, app, org):
        return token["org"] == org and (token["apps"] is None or app in token["apps"])
