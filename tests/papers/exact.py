"""The verdicts on what a paper's first study states without training."""

from bnlab.report.checking import check_claim
from bnlab.statistics import Verdict
from bnlab.studies import Article


def exact_verdicts(paper: Article, *ids: str) -> dict[str, Verdict]:
    """Return {claim without the paper's name: verdict} of the named claims, or of all, by the code as it is now."""
    table = paper.quantities()
    claims = {claim.id.partition("/")[2]: claim for claim in paper.studies[0].claims}
    return {id: check_claim(claims[id], paper, table, {}).judged.verdict for id in ids or claims}
