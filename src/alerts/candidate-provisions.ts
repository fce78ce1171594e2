import type { ClueBody } from './clue-body.ts';

const LAW = '中华人民共和国职业病防治法（2018修正）';

/**
 * The duty and the sanction that an exceedance of a national occupational exposure limit may touch
 * (职业病防治法 Art. 15(1), 72(1)). Candidates: whether one applies is an officer's word.
 */
export const OVER_LIMIT_PROVISIONS: ClueBody['candidateProvisions'] = [
  {
    law: LAW,
    article: '第十五条第（一）项',
    text: '职业病危害因素的强度或者浓度符合国家职业卫生标准',
  },
  {
    law: LAW,
    article: '第七十二条第（一）项',
    text: '工作场所职业病危害因素的强度或者浓度超过国家职业卫生标准的',
  },
];
