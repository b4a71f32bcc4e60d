"""亿乐: purchases from 亿乐社区 and 亿乐 SUP."""
