"""Print every number that the article states beside ours; exit with 1 where one does not hold."""

from bnlab.articles.article_004 import CLAIMS
from bnlab.articles.article_004.sequence import measure
from bnlab.claims import ExactEvidence, Judged, judge_exact
from bnlab.statistics import Verdict


def check_all() -> dict[str, Judged]:
    """Return {quantity: its claim with the verdict}, in the article's order."""
    ours = measure()
    return {quantity: judge_exact(claim, ours[quantity]) for quantity, claim in CLAIMS.items()}


def main() -> None:
    """Print the table."""
    checks = check_all()
    width = max(map(len, checks))
    print(f"{'article 004':<{width}}  {'stated':>13}  {'ours':>13}")
    for quantity, judged in checks.items():
        if isinstance(evidence := judged.evidence, ExactEvidence):
            held = f"within {evidence.tolerance:.5f}" if evidence.tolerance else "equal"
            verdict = held if judged.verdict is Verdict.REPRODUCED else "DIFFERS"
            print(f"{quantity:<{width}}  {judged.claim.printed:>13}  {evidence.printed:>13}  {verdict}")
    raise SystemExit(any(judged.verdict is not Verdict.REPRODUCED for judged in checks.values()))


if __name__ == "__main__":
    main()
