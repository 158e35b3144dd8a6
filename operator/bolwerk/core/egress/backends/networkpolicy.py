from bolwerk.core.egress.intent import Intent, Scene, Wall


def render(intent: Intent, scene: Scene) -> Wall:
    raise NotImplementedError
