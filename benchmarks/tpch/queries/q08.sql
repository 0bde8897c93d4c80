SELECT ordered, sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / sum(volume) AS share
FROM (
  SELECT year(o_orderdate) AS ordered, l_extendedprice * (1 - l_discount) AS volume,
         b.n_name AS nation
  FROM part, supplier, lineitem, orders, customer, nation a, nation b, region
  WHERE p_partkey = l_partkey AND s_suppkey = l_suppkey AND l_orderkey = o_orderkey
    AND o_custkey = c_custkey AND c_nationkey = a.n_nationkey AND a.n_regionkey = r_regionkey
    AND r_name = 'AMERICA' AND s_nationkey = b.n_nationkey
    AND o_orderdate BETWEEN DATE'1995-01-01' AND DATE'1996-12-31'
    AND p_type = 'ECONOMY ANODIZED STEEL')
GROUP BY ordered
ORDER BY ordered
