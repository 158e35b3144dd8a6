"""One builder per kind of child: a LocalModel in, a whole manifest out, with every field that Bolwerk owns."""
