import importlib.metadata
import os

WORDS = frozenset({"good", "day", "from"})


class Main:
    @staticmethod
    def run():
        folder = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
        words = sorted(WORDS, key=["good", "day", "from"].index)
        print(" ".join(words), folder + ",", importlib.metadata.version("greet-py"))
